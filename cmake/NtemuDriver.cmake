# Drivers and their tests, in ntemu's own tree and, after find_package(ntemu), in any other.
#
#   ntemu_add_driver(TestDriver SOURCES driver.c helper.c)
#
# builds a driver's source into TestDriver.sys with ntcc.
#
#   COMPILE_OPTIONS option...   passed to the compiler
#   CHECKED                     checked build (DBG=1)
#   SANITIZE asan|tsan          instrumented, for `ntemu run` and tests with the same; $NTEMU_DRIVER_SANITIZE by default
#   COVERAGE                    instrumented for gcov; when NTEMU_DRIVER_COVERAGE is set, every driver is
#   CC gcc|clang|path           the compiler; the project's C compiler by default
#   OUTPUT_DIRECTORY directory  <project's binary directory>/drivers by default
#   OUTPUT_NAME name            the image's name without .sys; the target's by default
#
# The target has the image's path in its property NTEMU_IMAGE, its sources in NTEMU_SOURCES and its object files in
# NTEMU_OBJECTS. With CMAKE_EXPORT_COMPILE_COMMANDS the driver's sources enter compile_commands.json when they are compiled.
#
#   ntemu_add_driver_test(driver_test SOURCES driver_test.cpp DRIVERS TestDriver)
#
# builds a GoogleTest program that boots machines in its own process (ntemu::testing, GTest::gmock_main), and gives each of
# its cases to ctest.
#
#   DRIVERS target...           images that the test loads: driver_image("TestDriver") is the path; $NTEMU_TEST_DRIVERS in
#                               the environment of a run is a directory to take them from instead
#   MANUAL                      its cases are not given to ctest
#   LINK target                 the driver's functions are linked into the program, for tests that call them directly
#   SANITIZE asan|tsan          with that runtime; $NTEMU_DRIVER_SANITIZE by default
#
#   ntemu_add_driver_fuzzer(driver_fuzzer SOURCES fuzz/driver_fuzzer.cpp DRIVER_SOURCES driver.c CORPUS fuzz/corpus)
#
# builds a libFuzzer program with AddressSanitizer out of a source that uses ntemu/testing/fuzz.h and the driver's own. The C++
# compiler has to be clang. ctest runs it over the corpus.
#
#   DRIVER_SOURCES file...      the driver's
#   CORPUS directory            inputs to begin with; `driver_fuzzer DIRECTORY` adds to it
#   COMPILE_OPTIONS option...   passed to the compiler of the driver

function(_ntemu_check_sanitize command)
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${command}: unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "${command}: no SOURCES")
  endif()
  if(arg_SANITIZE AND NOT arg_SANITIZE MATCHES "^(asan|tsan)$")
    message(FATAL_ERROR "${command}: SANITIZE is '${arg_SANITIZE}'; it may be asan or tsan")
  endif()
  if(arg_SANITIZE AND NOT TARGET ntemu::ntoskrnl_${arg_SANITIZE})
    message(FATAL_ERROR "${command}: this ntemu was built without the ${arg_SANITIZE} runtime")
  endif()
endfunction()

# _ntemu_compile(SOURCES option...): compiles each of a driver's sources with ntcc and those options, for the target ${name}
# with ${arg_COMPILE_OPTIONS}; leaves ${objects} and the sources' ${paths}.
function(_ntemu_compile sources)
  set(ntcc $<TARGET_FILE:ntemu::ntcc>)
  set(work ${CMAKE_CURRENT_BINARY_DIR}/${name}.dir)
  file(MAKE_DIRECTORY ${work})
  set(objects "")
  set(paths "")
  foreach(source IN LISTS sources)
    get_filename_component(path ${source} ABSOLUTE)
    list(APPEND paths ${path})
    get_filename_component(stem ${source} NAME)
    list(LENGTH objects index)
    set(object ${work}/${index}-${stem}.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${ntcc} ${ARGN} -c ${path} -o ${object} -MD -MF ${object}.d -MT ${object} ${arg_COMPILE_OPTIONS}
      DEPENDS ${path} ${ntcc} DEPFILE ${object}.d COMMENT "ntcc ${name}: ${source}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(objects ${objects} PARENT_SCOPE)
  set(paths ${paths} PARENT_SCOPE)
endfunction()

function(ntemu_add_driver name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "CHECKED;COVERAGE" "SANITIZE;CC;OUTPUT_DIRECTORY;OUTPUT_NAME" "SOURCES;COMPILE_OPTIONS")
  if(NOT arg_SANITIZE)
    set(arg_SANITIZE ${NTEMU_DRIVER_SANITIZE})
  endif()
  _ntemu_check_sanitize("ntemu_add_driver(${name})")
  if(NOT arg_OUTPUT_DIRECTORY)
    set(arg_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/drivers)
  endif()
  if(NOT arg_OUTPUT_NAME)
    set(arg_OUTPUT_NAME ${name})
  endif()

  set(flags "")
  if(arg_CC)
    list(APPEND flags --cc ${arg_CC})
  elseif(CMAKE_C_COMPILER)
    list(APPEND flags --cc ${CMAKE_C_COMPILER})
  endif()
  if(arg_CHECKED)
    list(APPEND flags --checked)
  endif()
  set(coverage OFF)
  if(arg_COVERAGE OR NTEMU_DRIVER_COVERAGE)
    set(coverage ON)
    list(APPEND flags --coverage)
  endif()
  set(variant plain)
  set(suffix "")
  if(arg_SANITIZE)
    set(variant ${arg_SANITIZE})
    set(suffix _${arg_SANITIZE})
    list(APPEND flags --${arg_SANITIZE})
  endif()
  # In a sanitized build of ntemu itself the one runtime is sanitized, and so are the drivers for it.
  if(TARGET ntcc AND NTEMU_SANITIZE STREQUAL "address" AND NOT arg_SANITIZE)
    list(APPEND flags --asan --runtime ${ntemu_BINARY_DIR}/lib/ntemu/plain)
  elseif(TARGET ntcc AND NTEMU_SANITIZE STREQUAL "thread" AND NOT arg_SANITIZE)
    list(APPEND flags --tsan --runtime ${ntemu_BINARY_DIR}/lib/ntemu/plain)
  endif()
  set(record "")
  if(CMAKE_EXPORT_COMPILE_COMMANDS)
    set(record --compile-commands ${CMAKE_BINARY_DIR}/compile_commands.json)
  endif()

  set(ntcc $<TARGET_FILE:ntemu::ntcc>)
  set(image ${arg_OUTPUT_DIRECTORY}/${arg_OUTPUT_NAME}.sys)
  file(MAKE_DIRECTORY ${arg_OUTPUT_DIRECTORY})
  _ntemu_compile("${arg_SOURCES}" ${flags} ${record})
  add_custom_command(OUTPUT ${image}
    COMMAND ${ntcc} ${flags} -o ${image} ${objects}
    DEPENDS ${objects} ${ntcc} $<TARGET_FILE:ntemu::ntoskrnl${suffix}> $<TARGET_FILE:ntemu::ntdrvrt_${variant}>
    COMMENT "ntcc ${name}.sys" VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${image})
  set_target_properties(${name} PROPERTIES NTEMU_IMAGE ${image} NTEMU_SOURCES "${paths}" NTEMU_OBJECTS "${objects}"
    NTEMU_SANITIZE "${arg_SANITIZE}" NTEMU_COVERAGE ${coverage})
endfunction()

function(ntemu_add_driver_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "MANUAL" "LINK;SANITIZE" "SOURCES;DRIVERS")
  if(NOT arg_SANITIZE)
    set(arg_SANITIZE ${NTEMU_DRIVER_SANITIZE})
  endif()
  _ntemu_check_sanitize("ntemu_add_driver_test(${name})")
  set(suffix "")
  set(variant plain)
  if(arg_SANITIZE)
    set(suffix _${arg_SANITIZE})
    set(variant ${arg_SANITIZE})
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT TARGET ntcc)
      message(FATAL_ERROR "ntemu_add_driver_test(${name}): the ${arg_SANITIZE} runtime needs g++ as the C++ compiler")
    endif()
  endif()
  if(NOT TARGET ntemu::testing${suffix})
    message(FATAL_ERROR "ntemu_add_driver_test(${name}): GoogleTest with GoogleMock is needed (Debian: libgtest-dev libgmock-dev)")
  endif()
  foreach(driver IN LISTS arg_DRIVERS arg_LINK)
    if(NOT TARGET ${driver})
      message(FATAL_ERROR "ntemu_add_driver_test(${name}): no target ${driver}; ntemu_add_driver comes first")
    endif()
    get_target_property(image ${driver} NTEMU_IMAGE)
    get_target_property(sanitize ${driver} NTEMU_SANITIZE)
    if(NOT image)
      message(FATAL_ERROR "ntemu_add_driver_test(${name}): ${driver} was not made by ntemu_add_driver")
    elseif(NOT "${sanitize}" STREQUAL "${arg_SANITIZE}")
      message(FATAL_ERROR "ntemu_add_driver_test(${name}): SANITIZE is '${arg_SANITIZE}', that of ${driver} '${sanitize}'")
    endif()
  endforeach()

  add_executable(${name} ${arg_SOURCES})
  if(arg_DRIVERS)
    set(list ${CMAKE_CURRENT_BINARY_DIR}/${name}.dir/drivers.cpp)
    set(rows "")
    foreach(driver IN LISTS arg_DRIVERS)
      get_target_property(image ${driver} NTEMU_IMAGE)
      string(APPEND rows "R\"(${driver})\", R\"(${image})\", ")
    endforeach()
    file(CONFIGURE OUTPUT ${list} CONTENT "extern \"C\" const char *const ntemu_test_drivers[];
extern \"C\" const char *const ntemu_test_drivers[] = {@rows@nullptr};\n" @ONLY)
    target_sources(${name} PRIVATE ${list})
    add_dependencies(${name} ${arg_DRIVERS})
  endif()
  if(arg_LINK)
    get_target_property(objects ${arg_LINK} NTEMU_OBJECTS)
    target_link_libraries(${name} PRIVATE ${objects} ntemu::ntdrvrt_${variant})
    add_dependencies(${name} ${arg_LINK})
    get_target_property(coverage ${arg_LINK} NTEMU_COVERAGE)
    if(coverage)
      target_link_options(${name} PRIVATE --coverage)
    endif()
  endif()
  target_link_libraries(${name} PRIVATE ntemu::testing${suffix} GTest::gmock_main)
  # Leaks are told by their lines, whatever the type of the build. Optimizing mocks takes gcc longer than anybody saves by it.
  target_compile_options(${name} PRIVATE -g $<$<CXX_COMPILER_ID:GNU>:-Og>)
  if(NOT arg_MANUAL)
    include(GoogleTest)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60)
  endif()
endfunction()

function(ntemu_add_driver_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;DRIVER_SOURCES;COMPILE_OPTIONS")
  _ntemu_check_sanitize("ntemu_add_driver_fuzzer(${name})")
  if(NOT arg_DRIVER_SOURCES)
    message(FATAL_ERROR "ntemu_add_driver_fuzzer(${name}): no DRIVER_SOURCES")
  endif()
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "ntemu_add_driver_fuzzer(${name}): libFuzzer needs clang: -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++")
  endif()
  if(NOT TARGET ntemu::testing)
    message(FATAL_ERROR "ntemu_add_driver_fuzzer(${name}): GoogleTest with GoogleMock is needed (Debian: libgtest-dev libgmock-dev)")
  endif()
  string(REGEX REPLACE "clang\\+\\+" "clang" clang "${CMAKE_CXX_COMPILER}")
  _ntemu_compile("${arg_DRIVER_SOURCES}" --cc ${clang} --fuzz)
  add_executable(${name} ${arg_SOURCES} ${objects})
  target_compile_options(${name} PRIVATE -g -O1 -fsanitize=fuzzer-no-link,address,undefined)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer,address,undefined)
  # No libntdrvrt: memcpy and its kin are the sanitizer's.
  target_link_libraries(${name} PRIVATE ntemu::testing)
  if(arg_CORPUS)
    get_filename_component(corpus ${arg_CORPUS} ABSOLUTE)
    add_test(NAME ${name} COMMAND ${name} -runs=0 ${corpus})
  endif()
endfunction()
