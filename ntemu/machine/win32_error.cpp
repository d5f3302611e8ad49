#include "ntemu/machine/win32_error.h"

#include "nt/status.h"

namespace ntemu::machine {
namespace {

struct Row {
  NTSTATUS status;
  uint32_t error;
};
constexpr Row kRows[] = {
    {STATUS_UNSUCCESSFUL, 31},
    {STATUS_NOT_IMPLEMENTED, 1},
    {STATUS_ACCESS_VIOLATION, 998},
    {STATUS_INVALID_HANDLE, 6},
    {STATUS_INVALID_PARAMETER, 87},
    {STATUS_NO_SUCH_DEVICE, 433},
    {STATUS_NO_SUCH_FILE, 2},
    {STATUS_INVALID_DEVICE_REQUEST, 1},
    {STATUS_NO_MEMORY, 8},
    {STATUS_ACCESS_DENIED, 5},
    {STATUS_OBJECT_NAME_INVALID, 123},
    {STATUS_OBJECT_NAME_NOT_FOUND, 2},
    {STATUS_OBJECT_NAME_COLLISION, 183},
    {STATUS_OBJECT_PATH_NOT_FOUND, 3},
    {STATUS_SHARING_VIOLATION, 32},
    {STATUS_PROCEDURE_NOT_FOUND, 127},
    {STATUS_INVALID_IMAGE_FORMAT, 193},
    {STATUS_INSUFFICIENT_RESOURCES, 1450},
    {STATUS_DEVICE_NOT_READY, 21},
    {STATUS_NOT_SUPPORTED, 50},
    {STATUS_DLL_NOT_FOUND, 126},
    {STATUS_ENTRYPOINT_NOT_FOUND, 127},
    {STATUS_NOT_FOUND, 1168},
    {STATUS_DRIVER_ENTRYPOINT_NOT_FOUND, 127},
    {STATUS_DRIVER_UNABLE_TO_LOAD, 2001},
    {STATUS_FAILED_DRIVER_ENTRY, 647},
    {STATUS_DRIVER_BLOCKED, 1275},
    {STATUS_INVALID_IMAGE_HASH, 577},
    {STATUS_IMAGE_ALREADY_LOADED, 1056},
    {STATUS_INVALID_IMAGE_NOT_MZ, 193},
    {STATUS_INVALID_IMAGE_WIN_32, 193},
    {STATUS_INVALID_IMAGE_WIN_64, 193},
    {STATUS_INVALID_FILE_FOR_SECTION, 193},
    {STATUS_MAPPED_FILE_SIZE_ZERO, 1006},
    {STATUS_FILE_TOO_LARGE, 223},
    {STATUS_INVALID_INFO_CLASS, 87},
    {STATUS_INFO_LENGTH_MISMATCH, 24},
    {STATUS_END_OF_FILE, 38},
    {STATUS_BUFFER_TOO_SMALL, 122},
    {STATUS_BUFFER_OVERFLOW, 234},
    {STATUS_OBJECT_TYPE_MISMATCH, 6},
    {STATUS_OBJECT_PATH_SYNTAX_BAD, 161},
    {STATUS_NAME_TOO_LONG, 206},
    {STATUS_DELETE_PENDING, 303},
    {STATUS_FILE_IS_A_DIRECTORY, 5},
    {STATUS_NOT_A_DIRECTORY, 267},
    {STATUS_DIRECTORY_NOT_EMPTY, 145},
    {STATUS_CANNOT_DELETE, 5},
    {STATUS_DISK_FULL, 112},
    {STATUS_IO_TIMEOUT, 121},
    {STATUS_PRIVILEGE_NOT_HELD, 1314},
    {STATUS_INTEGER_OVERFLOW, 534},
    {STATUS_REVISION_MISMATCH, 1306},
    {STATUS_DEVICE_DOES_NOT_EXIST, 433},
    {STATUS_MUTANT_NOT_OWNED, 288},
    {STATUS_CANCELLED, 995},
    {STATUS_REGISTRY_CORRUPT, 1015},
    {STATUS_SHUTDOWN_IN_PROGRESS, 1115},
    {STATUS_DEVICE_NOT_CONNECTED, 1167},
};

struct Text {
  uint32_t error;
  std::string_view text;
};
constexpr Text kTexts[] = {
    {1, "Incorrect function."},
    {2, "The system cannot find the file specified."},
    {3, "The system cannot find the path specified."},
    {5, "Access is denied."},
    {6, "The handle is invalid."},
    {8, "Not enough memory resources are available to process this command."},
    {15, "The system cannot find the drive specified."},
    {21, "The device is not ready."},
    {24, "The program issued a command but the command length is incorrect."},
    {31, "A device attached to the system is not functioning."},
    {32, "The process cannot access the file because it is being used by another process."},
    {38, "Reached the end of the file."},
    {50, "The request is not supported."},
    {85, "The local device name is already in use."},
    {87, "The parameter is incorrect."},
    {112, "There is not enough space on the disk."},
    {121, "The semaphore timeout period has expired."},
    {122, "The data area passed to a system call is too small."},
    {123, "The filename, directory name, or volume label syntax is incorrect."},
    {126, "The specified module could not be found."},
    {127, "The specified procedure could not be found."},
    {145, "The directory is not empty."},
    {161, "The specified path is invalid."},
    {183, "Cannot create a file when that file already exists."},
    {193, "%1 is not a valid Win32 application."},
    {206, "The filename or extension is too long."},
    {223, "The file size exceeds the limit allowed and cannot be saved."},
    {234, "More data is available."},
    {267, "The directory name is invalid."},
    {288, "Attempt to release mutex not owned by caller."},
    {303, "The file cannot be opened because it is in the process of being deleted."},
    {317, "The system cannot find message text for message number 0x%1 in the message file for %2."},
    {433, "A device which does not exist was specified."},
    {534, "Arithmetic result exceeded 32 bits."},
    {577,
     "Windows cannot verify the digital signature for this file. A recent hardware or software change might have "
     "installed a file that is signed incorrectly or damaged, or that might be malicious software from an unknown "
     "source."},
    {647, "The driver was not loaded because it failed its initialization call."},
    {995, "The I/O operation has been aborted because of either a thread exit or an application request."},
    {998, "Invalid access to memory location."},
    {1006, "The volume for a file has been externally altered so that the opened file is no longer valid."},
    {1015,
     "The registry is corrupted. The structure of one of the files containing registry data is corrupted, or the "
     "system's memory image of the file is corrupted, or the file could not be recovered because the alternate copy or "
     "log was absent or corrupted."},
    {1051, "A stop control has been sent to a service that other running services are dependent on."},
    {1052, "The requested control is not valid for this service."},
    {1056, "An instance of the service is already running."},
    {1057, "The account name is invalid or does not exist, or the password is invalid for the account name specified."},
    {1058,
     "The service cannot be started, either because it is disabled or because it has no enabled devices associated "
     "with it."},
    {1059, "Circular service dependency was specified."},
    {1060, "The specified service does not exist as an installed service."},
    {1061, "The service cannot accept control messages at this time."},
    {1062, "The service has not been started."},
    {1068, "The dependency service or group failed to start."},
    {1072, "The specified service has been marked for deletion."},
    {1073, "The specified service already exists."},
    {1075, "The dependency service does not exist or has been marked for deletion."},
    {1077, "No attempts to start the service have been made since the last boot."},
    {1078, "The name is already in use as either a service name or a service display name."},
    {1115, "A system shutdown is in progress."},
    {1131, "A potential deadlock condition has been detected."},
    {1167, "The device is not connected."},
    {1168, "Element not found."},
    {1223, "The operation was canceled by the user."},
    {1275, "This driver has been blocked from loading"},
    {1306, "Indicates two revision levels are incompatible."},
    {1314, "A required privilege is not held by the client."},
    {1450, "Insufficient system resources exist to complete the requested service."},
    {1639, "Invalid command line argument. Consult the Windows Installer SDK for detailed command line help."},
    {2001, "The specified driver is invalid."},
};

}  // namespace

uint32_t win32_error(NTSTATUS status) {
  if (NT_SUCCESS(status)) return 0;
  if ((static_cast<uint32_t>(status) & 0x20000000) != 0) return static_cast<uint32_t>(status);  // a customer's own
  for (const Row &row : kRows) {
    if (row.status == status) return row.error;
  }
  return kErrorMrMidNotFound;
}

uint32_t win32_error(const Error &error) { return error.win32 ? error.win32 : win32_error(error.status); }

std::string_view win32_error_text(uint32_t error) {
  for (const Text &row : kTexts) {
    if (row.error == error) return row.text;
  }
  return {};
}

int exit_code(uint32_t error) {
  if (error == 0) return 0;
  const int low = static_cast<int>(error & 0xff);
  return low ? low : 1;
}

}  // namespace ntemu::machine
