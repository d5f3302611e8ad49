# cpack -G DEB: one Debian package of everything that is installed.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ntemu)
set(CPACK_PACKAGE_VENDOR "ntemu developers")
set(CPACK_PACKAGE_CONTACT "ntemu developers <ntemu@example.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "small NT kernel that runs Windows driver source on Linux")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"ntemu compiles the original source of a Windows kernel driver, loads it,
runs it, and shows what it does: on a Linux machine, in a container, in
continuous integration, without Windows and without a virtual machine.
.
The package has the compiler driver ntcc, the machine ntemu with its
service control program sc, the driver verifier, notmyfault, the debugger
kd, the kernel headers, and for CMake the functions and libraries with which
drivers are built and tested with GoogleTest.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "binutils, gcc | clang")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "cmake, make | ninja-build, g++, libgtest-dev, libgmock-dev, pkg-config, fuse3, gdb")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS lldb)
# Its sc is a spreadsheet, in the same place.
set(CPACK_DEBIAN_PACKAGE_CONFLICTS sc)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib/ntemu/plain)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian/prepare.cmake)
include(CPack)
