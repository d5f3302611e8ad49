# What Debian's own tools would do to the files of a package: no debug information but the kernel's, which kd and gdb show, a
# changelog, reasons for lintian.
cmake_minimum_required(VERSION 3.25)
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()

file(GLOB_RECURSE files ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*)
foreach(file IN LISTS files)
  if(IS_SYMLINK ${file} OR NOT file MATCHES "/usr/(bin|lib)/" OR file MATCHES "\\.(cmake|pc)$|/plain/libntoskrnl\\.so$")
    continue()
  endif()
  # Names of functions stay: `ntemu threads` and gdb show them.
  execute_process(COMMAND strip --strip-debug --enable-deterministic-archives ${file} COMMAND_ERROR_IS_FATAL ANY)
endforeach()

set(documents ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(CONFIGURE OUTPUT ${documents}/doc/ntemu/changelog @ONLY CONTENT "ntemu (@CPACK_PACKAGE_VERSION@) stable; urgency=medium

  * Built from the source of this version.

 -- @CPACK_PACKAGE_CONTACT@  @date@
")
execute_process(COMMAND gzip -9n ${documents}/doc/ntemu/changelog COMMAND_ERROR_IS_FATAL ANY)
file(COPY_FILE ${CMAKE_CURRENT_LIST_DIR}/../../LICENSE ${documents}/doc/ntemu/copyright)
file(MAKE_DIRECTORY ${documents}/lintian/overrides)
file(COPY_FILE ${CMAKE_CURRENT_LIST_DIR}/lintian-overrides ${documents}/lintian/overrides/ntemu)
file(CHMOD_RECURSE ${documents}/doc/ntemu/changelog.gz ${documents}/doc/ntemu/copyright ${documents}/lintian
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ
  DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
