# How the runtime is put together: components register their sources, each variant compiles them into one libntoskrnl.so.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)

# One layout for the build tree and the installation: bin/, lib/ntemu/<variant>/, include/ntemu, share/ntemu.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include ${PROJECT_BINARY_DIR}/share/ntemu/examples)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/ntemu/include ${PROJECT_BINARY_DIR}/include/ntemu SYMBOLIC)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/tools/ntemu/templates ${PROJECT_BINARY_DIR}/share/ntemu/templates SYMBOLIC)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/driver ${PROJECT_BINARY_DIR}/share/ntemu/examples/driver SYMBOLIC)

add_library(ntemu_flags INTERFACE)
# Line numbers alone, in what is packaged too: the kernel's types, which debuggers show, are in a source of their own.
target_compile_options(ntemu_flags INTERFACE $<IF:$<OR:$<BOOL:${NTEMU_QUICK_BUILD}>,$<CONFIG:Release>>,-g1,-g> -fasynchronous-unwind-tables -fno-omit-frame-pointer
  $<$<NOT:$<COMPILE_LANGUAGE:ASM>>:-fno-optimize-sibling-calls> -Wall -Wextra -Wpedantic $<$<NOT:$<BOOL:${NTEMU_QUICK_BUILD}>>:-Wshadow> -Wconversion -Wno-multichar -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wthread-safety-beta -Wno-gnu-zero-variadic-macro-arguments -Wno-gnu-anonymous-struct -Wno-nested-anon-types>)
target_link_options(ntemu_flags INTERFACE -Wl,--build-id)
target_include_directories(ntemu_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_include_directories(ntemu_flags SYSTEM INTERFACE ${PROJECT_SOURCE_DIR}/ntemu/include/km)
if(NTEMU_COVERAGE)
  target_compile_options(ntemu_flags INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(ntemu_flags INTERFACE --coverage)
endif()

set(NTEMU_SANITIZER_FLAGS_asan -fsanitize=address,undefined -fno-sanitize-recover=undefined)
set(NTEMU_SANITIZER_FLAGS_tsan -fsanitize=thread)
if(NTEMU_SANITIZE STREQUAL "address")
  set(NTEMU_SANITIZER_FLAGS_plain ${NTEMU_SANITIZER_FLAGS_asan})
elseif(NTEMU_SANITIZE STREQUAL "thread")
  set(NTEMU_SANITIZER_FLAGS_plain ${NTEMU_SANITIZER_FLAGS_tsan})
elseif(NTEMU_SANITIZE)
  message(FATAL_ERROR "NTEMU_SANITIZE is '${NTEMU_SANITIZE}'; it may be empty, address or thread")
endif()

# ntemu_component(SIDE source...): SIDE is kernel (part of libntoskrnl.so), host (linked into tools and tests, and offered to
# others as libntemu.so), client (linked into tools that only talk to a machine, without a kernel of their own; part of the
# host too) or testing (the unit-test kit).
function(ntemu_component side)
  foreach(source IN LISTS ARGN)
    set_property(GLOBAL APPEND PROPERTY NTEMU_${side}_SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  endforeach()
endfunction()

# ntemu_build_quickly(TARGET OPTIMIZATION header...): for a quick build, with OPTIMIZATION (-O0, -O1 for what tests wait for, or
# nothing), with its sources compiled several at a time, and with these headers, which most of its C++ sources include, precompiled.
# Not what a developer's build does: a changed line would cost more, ccache knows less of such builds, and a header that a source
# forgets to include goes unnoticed, as does a name that hides another (one source's names are around in the next).
function(ntemu_build_quickly target optimization)
  if(NTEMU_QUICK_BUILD)
    target_compile_options(${target} PRIVATE ${optimization})
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON)
    list(TRANSFORM ARGN REPLACE "(.+)" "$<$<COMPILE_LANGUAGE:CXX>:\\1>")
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

# They make names of API names, macros or not, and declare them without parameters.
set_source_files_properties(${PROJECT_SOURCE_DIR}/ntemu/api/stubs.cpp ${PROJECT_SOURCE_DIR}/ntemu/api/table.cpp
  PROPERTIES SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)

# For what is not looked at for undefined behaviour in a quick build, since that takes the compiler as long again: tests, tools, and
# the host's part of the variants, which has a preset of its own. To be linked last.
add_library(ntemu_quick_options INTERFACE)
if(NTEMU_QUICK_BUILD)
  target_compile_options(ntemu_quick_options INTERFACE -fno-sanitize=undefined)
endif()

# ntemu_expand_table(TARGET INPUT OUTPUT): what the preprocessor makes of INPUT, which includes the API tables, in
# generated/OUTPUT.
function(ntemu_expand_table target input output)
  set(path ${PROJECT_BINARY_DIR}/generated/${output})
  get_filename_component(directory ${path} DIRECTORY)
  add_custom_command(OUTPUT ${path}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${directory}
    COMMAND ${CMAKE_CXX_COMPILER} -E -P -x c++ -I ${PROJECT_SOURCE_DIR} -MD -MF ${path}.d -MT generated/${output}
            -o ${path} ${PROJECT_SOURCE_DIR}/${input}
    DEPENDS ${PROJECT_SOURCE_DIR}/${input} DEPFILE ${path}.d VERBATIM)
  add_custom_target(${target} DEPENDS ${path})
endfunction()

# The export list of the kernel image, and what can be mocked.
set(NTEMU_EXPORTS ${PROJECT_BINARY_DIR}/generated/ntoskrnl.map)
ntemu_expand_table(ntemu_exports ntemu/api/exports.map.in ntoskrnl.map)
ntemu_expand_table(ntemu_apis ntemu/testing/apis.inc.in ntemu/testing/apis.inc)

# The names of the NTSTATUS values.
file(STRINGS ${PROJECT_SOURCE_DIR}/ntemu/include/km/nt/status.h lines REGEX "^#define STATUS_[A-Z0-9_]+ \\(\\(NTSTATUS\\)0x")
set(rows "")
foreach(line IN LISTS lines)
  if(NOT line MATCHES "STATUS_(WAIT_0|SEVERITY_)" AND line MATCHES "^#define (STATUS_[A-Z0-9_]+) \\(\\(NTSTATUS\\)(0x[0-9A-Fa-f]+)\\)")
    string(APPEND rows "{${CMAKE_MATCH_2}, \"${CMAKE_MATCH_1}\"},\n")
  endif()
endforeach()
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/ntemu/testing/status_names.inc CONTENT "@rows@" @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/ntemu/include/km/nt/status.h)

# ntemu_add_runtime(VARIANT): the libraries of one variant (plain, asan, tsan): libntoskrnl.so, the host's and the client's part
# for our own programs, and for those of others libntemu.so, which has both, and the unit-test kit.
function(ntemu_add_runtime variant)
  set(suffix "")
  if(NOT variant STREQUAL "plain")
    set(suffix _${variant})
  endif()
  get_property(kernel_sources GLOBAL PROPERTY NTEMU_kernel_SOURCES)
  get_property(host_sources GLOBAL PROPERTY NTEMU_host_SOURCES)
  get_property(client_sources GLOBAL PROPERTY NTEMU_client_SOURCES)
  get_property(testing_sources GLOBAL PROPERTY NTEMU_testing_SOURCES)
  set(directory ${PROJECT_BINARY_DIR}/lib/ntemu/${variant})
  set(flags ${NTEMU_SANITIZER_FLAGS_${variant}})
  set(optimization "")
  if(flags)  # -O2 takes the compiler three times as long; what is packaged has it
    set(optimization $<$<CONFIG:RelWithDebInfo>:-O1>)
  endif()

  add_library(ntoskrnl${suffix} SHARED ${kernel_sources})
  add_dependencies(ntoskrnl${suffix} ntemu_exports)
  set_target_properties(ntoskrnl${suffix} PROPERTIES OUTPUT_NAME ntoskrnl LIBRARY_OUTPUT_DIRECTORY ${directory}
    LINK_DEPENDS ${NTEMU_EXPORTS})
  # The kernel's calls of itself are its own: inlined where that pays, and never through the PLT. Pairs of list pointers go
  # through general registers: a vector store makes the loads that follow it wait.
  target_compile_options(ntoskrnl${suffix} PUBLIC ${flags} PRIVATE ${optimization} -fno-semantic-interposition -fno-tree-slp-vectorize)
  target_link_options(ntoskrnl${suffix} PUBLIC ${flags}
    PRIVATE -Wl,--version-script=${NTEMU_EXPORTS} -Wl,-z,now -Wl,-Bsymbolic-functions)
  target_link_libraries(ntoskrnl${suffix} PRIVATE $<BUILD_INTERFACE:ntemu_flags> $<BUILD_INTERFACE:fmt::fmt>
    $<BUILD_INTERFACE:SQLite::SQLite3> $<BUILD_INTERFACE:PkgConfig::ELF> ${CMAKE_DL_LIBS} $<BUILD_INTERFACE:Threads::Threads>)
  target_compile_definitions(ntoskrnl${suffix} PRIVATE NTEMU_VERSION="${PROJECT_VERSION}")
  ntemu_build_quickly(ntoskrnl${suffix} "" <fmt/format.h> <algorithm> <atomic> <filesystem> <functional> <memory> <optional> <string>
    <vector> ${PROJECT_SOURCE_DIR}/ntemu/ke/thread.h ${PROJECT_SOURCE_DIR}/ntemu/api/enter.h)
  target_include_directories(ntoskrnl${suffix} SYSTEM INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/ntemu/include/km>)
  target_include_directories(ntoskrnl${suffix} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/ntemu/km>)

  add_library(ntemu_client${suffix} STATIC ${client_sources})
  target_compile_options(ntemu_client${suffix} PUBLIC ${flags} PRIVATE ${optimization})
  target_link_options(ntemu_client${suffix} PUBLIC ${flags})
  target_link_libraries(ntemu_client${suffix} PUBLIC ntemu_flags fmt::fmt nlohmann_json::nlohmann_json PRIVATE ntemu_quick_options)
  ntemu_build_quickly(ntemu_client${suffix} -O0 <fmt/format.h> <nlohmann/json.hpp>)
  target_compile_definitions(ntemu_client${suffix} PUBLIC NTEMU_VERSION="${PROJECT_VERSION}")

  add_library(ntemu_host${suffix} STATIC ${host_sources})
  target_compile_options(ntemu_host${suffix} PRIVATE ${optimization})
  target_link_libraries(ntemu_host${suffix} PUBLIC ntemu_client${suffix} ntoskrnl${suffix} ntemu_flags fmt::fmt Threads::Threads PRIVATE nlohmann_json::nlohmann_json PkgConfig::FUSE PkgConfig::DW)
  # A variant is there for programs that run drivers with it, not for the tests of the host's part.
  if(NOT variant STREQUAL "plain")
    target_link_libraries(ntemu_host${suffix} PRIVATE ntemu_quick_options)
  endif()
  ntemu_build_quickly(ntemu_host${suffix} $<IF:$<STREQUAL:${variant},plain>,-O1,-O0> <fmt/format.h> <algorithm> <atomic> <filesystem> <functional> <memory> <optional> <string>
    <vector> <nlohmann/json.hpp> ${PROJECT_SOURCE_DIR}/ntemu/ke/thread.h)
  target_compile_definitions(ntemu_host${suffix} PUBLIC NTEMU_VARIANT="${variant}")

  add_library(ntemu_machine${suffix} SHARED $<TARGET_OBJECTS:ntemu_host${suffix}> $<TARGET_OBJECTS:ntemu_client${suffix}>)
  set_target_properties(ntemu_machine${suffix} PROPERTIES OUTPUT_NAME ntemu EXPORT_NAME machine${suffix} LINKER_LANGUAGE CXX
    LIBRARY_OUTPUT_DIRECTORY ${directory} INSTALL_RPATH $ORIGIN)
  target_compile_features(ntemu_machine${suffix} INTERFACE cxx_std_20)
  if(NOT flags)  # what a sanitizer's calls lead to is in the program
    target_link_options(ntemu_machine${suffix} PRIVATE -Wl,-z,defs)
  endif()
  target_link_libraries(ntemu_machine${suffix} PUBLIC ntoskrnl${suffix}
    PRIVATE $<BUILD_INTERFACE:ntemu_flags> $<BUILD_INTERFACE:fmt::fmt> $<BUILD_INTERFACE:PkgConfig::FUSE> $<BUILD_INTERFACE:PkgConfig::DW> $<BUILD_INTERFACE:Threads::Threads>)
  target_include_directories(ntemu_machine${suffix} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/ntemu/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/ntemu>)

  add_library(ntemu::ntoskrnl${suffix} ALIAS ntoskrnl${suffix})
  add_library(ntemu::machine${suffix} ALIAS ntemu_machine${suffix})
  install(TARGETS ntoskrnl${suffix} ntemu_machine${suffix} EXPORT ntemuTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/ntemu/${variant})

  if(NOT TARGET GTest::gmock)
    return()
  endif()
  add_library(ntemu_testing${suffix} STATIC ${testing_sources})
  target_compile_options(ntemu_testing${suffix} PRIVATE ${optimization})
  set_target_properties(ntemu_testing${suffix} PROPERTIES EXPORT_NAME testing${suffix} ARCHIVE_OUTPUT_DIRECTORY ${directory})
  add_dependencies(ntemu_testing${suffix} ntemu_apis)
  target_include_directories(ntemu_testing${suffix} INTERFACE $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>)
  # Stacks of the test program are told by frame pointers, and a call in a routine's last line has to come from there, not
  # from the kernel that called the routine, to be mocked; tags of pool are characters.
  target_compile_options(ntemu_testing${suffix} INTERFACE -fno-omit-frame-pointer -fno-optimize-sibling-calls -Wno-multichar)
  # fmt as headers alone, so that whoever links the kit needs no fmt.
  target_link_libraries(ntemu_testing${suffix} PUBLIC ntemu_machine${suffix} ntoskrnl${suffix} GTest::gmock
    PRIVATE $<BUILD_INTERFACE:ntemu_flags> $<BUILD_INTERFACE:fmt::fmt-header-only> $<BUILD_INTERFACE:ntemu_quick_options>)
  ntemu_build_quickly(ntemu_testing${suffix} -O0 <gmock/gmock.h> <gtest/gtest.h> <fmt/format.h> ${PROJECT_SOURCE_DIR}/ntemu/ke/thread.h)
  add_library(ntemu::testing${suffix} ALIAS ntemu_testing${suffix})
  install(TARGETS ntemu_testing${suffix} EXPORT ntemuTestingTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/ntemu/${variant})
endfunction()
