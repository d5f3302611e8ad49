/* The work that the lock samples share: one thread creates files in C:\Temp, another moves them to C:\Temp2. */
#pragma once

#include <ntifs.h>

#define FILE_COUNT 1000
#define LINES_PER_FILE 100

typedef struct _WORKERS {
    HANDLE Creator;
    HANDLE Mover;
} WORKERS, *PWORKERS;

/* Creates C:\Temp\file_0.txt ... file_999.txt of 1500 bytes each; returns how many were completed. */
ULONG CreateFiles(VOID);

/* Moves each of them to C:\Temp2\NewFile_<n>.txt; a file that cannot be opened is passed over. Returns how many moved. */
ULONG MoveFiles(VOID);

/* Starts Creator, then Mover, with Context. Fails only while no thread runs yet. */
NTSTATUS StartWorkers(PWORKERS Workers, PKSTART_ROUTINE Creator, PKSTART_ROUTINE Mover, PVOID Context);

/* Returns when both threads have ended, so that the driver's code and its device may go. */
VOID WaitForWorkers(PWORKERS Workers);

/* Creates a device without a name whose extension of Size bytes (zeroed) holds the sample's lock. */
NTSTATUS CreateSampleDevice(PDRIVER_OBJECT DriverObject, ULONG Size, PVOID *Extension);
