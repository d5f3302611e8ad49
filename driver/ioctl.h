/*
 * What programs and drivers ask the device of ioctl.c for.
 */
#ifndef IOCTL_H
#define IOCTL_H

#define IOCTL_DEVICE_NAME L"\\Device\\NtemuIoctl"
#define IOCTL_LINK_NAME L"\\DosDevices\\NtemuIoctl"

#define IOCTL_MESSAGE_MAXIMUM 256

/* Buffered: the input, of which the output has to have room for all, in upper case. */
#define IOCTL_NTEMU_UPPERCASE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Direct: one byte of input, with which all of the output is filled. */
#define IOCTL_NTEMU_FILL CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_OUT_DIRECT, FILE_READ_ACCESS)

/* Direct: the second buffer becomes the message, as by a write. */
#define IOCTL_NTEMU_SET_MESSAGE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_IN_DIRECT, FILE_WRITE_ACCESS)

/* Neither: the input, backwards, into an output of the same length. For callers in the kernel. */
#define IOCTL_NTEMU_REVERSE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_NEITHER, FILE_ANY_ACCESS)

/* Buffered: an IOCTL_STATISTICS. */
#define IOCTL_NTEMU_STATISTICS CTL_CODE(FILE_DEVICE_UNKNOWN, 0x804, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Buffered: waits for an IOCTL_NTEMU_WAKE, and returns its ULONG; STATUS_CANCELLED when the file is closed before. */
#define IOCTL_NTEMU_WAIT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x805, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Buffered: a ULONG for the request that has waited longest; STATUS_NOT_FOUND when none waits. */
#define IOCTL_NTEMU_WAKE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x806, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _IOCTL_STATISTICS {
    LONG Opens;
    LONG Reads;
    LONG Writes;
    LONG Controls;
    LONG Waiting;
    ULONG MessageLength;
} IOCTL_STATISTICS, *PIOCTL_STATISTICS;

#endif
