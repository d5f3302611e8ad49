# What is installed besides the programs and libraries: headers, the package's description for others, documents, samples.
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/ntemu)
configure_package_config_file(cmake/ntemuConfig.cmake.in ${PROJECT_BINARY_DIR}/generated/ntemuConfig.cmake
  INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_BINDIR NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/generated/ntemuConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/generated/ntemuConfig.cmake ${PROJECT_BINARY_DIR}/generated/ntemuConfigVersion.cmake
  cmake/NtemuDriver.cmake DESTINATION ${package})
install(EXPORT ntemuTargets NAMESPACE ntemu:: DESTINATION ${package})
if(TARGET ntemu_testing)
  install(EXPORT ntemuTestingTargets NAMESPACE ntemu:: DESTINATION ${package})
endif()

file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_prefix ${pc_prefix})
configure_file(cmake/ntemu.pc.in ${PROJECT_BINARY_DIR}/generated/ntemu.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/generated/ntemu.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(DIRECTORY ntemu/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ntemu)
install(FILES ${PROJECT_BINARY_DIR}/generated/ntemu/testing/apis.inc DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ntemu/ntemu/testing)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs FILES_MATCHING PATTERN "*.md")

# Images of slim containers leave share/doc out: what the programs use is not kept there.
install(DIRECTORY tools/ntemu/templates DESTINATION ${CMAKE_INSTALL_DATADIR}/ntemu)
install(DIRECTORY driver DESTINATION ${CMAKE_INSTALL_DATADIR}/ntemu/examples USE_SOURCE_PERMISSIONS)
file(RELATIVE_PATH examples /${CMAKE_INSTALL_DOCDIR} /${CMAKE_INSTALL_DATADIR}/ntemu/examples)
file(CREATE_LINK ${examples} ${PROJECT_BINARY_DIR}/generated/examples SYMBOLIC)
install(FILES ${PROJECT_BINARY_DIR}/generated/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
