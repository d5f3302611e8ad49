#include "ntemu/rtl/version.h"

#include "ntemu/api/enter.h"
#include "ntifs.h"

using namespace ntemu;

NTSTATUS RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation) {
  NT_ENTER(RtlGetVersion, VersionInformation);
  VersionInformation->dwMajorVersion = rtl::kMajorVersion;
  VersionInformation->dwMinorVersion = rtl::kMinorVersion;
  VersionInformation->dwBuildNumber = rtl::kBuildNumber;
  VersionInformation->dwPlatformId = VER_PLATFORM_WIN32_NT;
  VersionInformation->szCSDVersion[0] = 0;
  if (VersionInformation->dwOSVersionInfoSize == sizeof(RTL_OSVERSIONINFOEXW)) {
    auto &extended = *reinterpret_cast<PRTL_OSVERSIONINFOEXW>(VersionInformation);
    extended.wServicePackMajor = extended.wServicePackMinor = 0;
    extended.wSuiteMask = rtl::kSuiteMask;
    extended.wProductType = VER_NT_WORKSTATION;
    extended.wReserved = 0;
  }
  return STATUS_SUCCESS;
}
