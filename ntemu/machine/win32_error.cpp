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
    {STATUS_PRIVILEGE_NOT_HELD, 1314},
    {STATUS_INTEGER_OVERFLOW, 534},
    {STATUS_REVISION_MISMATCH, 1306},
    {STATUS_DEVICE_DOES_NOT_EXIST, 433},
    {STATUS_MUTANT_NOT_OWNED, 288},
    {STATUS_CANCELLED, 995},
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
  switch (error) {
    case 1:
      return "Incorrect function.";
    case 2:
      return "The system cannot find the file specified.";
    case 3:
      return "The system cannot find the path specified.";
    case 5:
      return "Access is denied.";
    case 6:
      return "The handle is invalid.";
    case 8:
      return "Not enough memory resources are available to process this command.";
    case 31:
      return "A device attached to the system is not functioning.";
    case 32:
      return "The process cannot access the file because it is being used by another process.";
    case 50:
      return "The request is not supported.";
    case 87:
      return "The parameter is incorrect.";
    case 123:
      return "The filename, directory name, or volume label syntax is incorrect.";
    case 126:
      return "The specified module could not be found.";
    case 127:
      return "The specified procedure could not be found.";
    case 183:
      return "Cannot create a file when that file already exists.";
    case 193:
      return "%1 is not a valid Win32 application.";
    case 577:
      return "Windows cannot verify the digital signature for this file.";
    case 267:
      return "The directory name is invalid.";
    case 998:
      return "Invalid access to memory location.";
    case 1052:
      return "The requested control is not valid for this service.";
    case 1056:
      return "An instance of the service is already running.";
    case 1168:
      return "Element not found.";
    case 1275:
      return "This driver has been blocked from loading";
    case 1450:
      return "Insufficient system resources exist to complete the requested service.";
    case 2001:
      return "The specified driver is invalid.";
    default:
      return "";
  }
}

int exit_code(uint32_t error) {
  if (error == 0) return 0;
  const int low = static_cast<int>(error & 0xff);
  return low ? low : 1;
}

}  // namespace ntemu::machine
