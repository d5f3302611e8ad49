# ntemu_add_driver: builds a driver's source into NAME.sys with ntcc, in ntemu's own tree and from an installed package.
#
#   ntemu_add_driver(TestDriver SOURCES driver.c helper.c)
#
#   COMPILE_OPTIONS option...   passed to the compiler
#   CHECKED                     checked build (DBG=1)
#   SANITIZE asan|tsan          instrumented, for `ntemu run --sanitizer=`
#   CC gcc|clang|path           the compiler; the project's C compiler by default
#   OUTPUT_DIRECTORY directory  <project's binary directory>/drivers by default
#
# The target NAME has the image's path in its property NTEMU_IMAGE. With CMAKE_EXPORT_COMPILE_COMMANDS the driver's
# sources enter compile_commands.json when they are compiled.
function(ntemu_add_driver name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "CHECKED" "SANITIZE;CC;OUTPUT_DIRECTORY" "SOURCES;COMPILE_OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "ntemu_add_driver(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "ntemu_add_driver(${name}): no SOURCES")
  endif()
  if(arg_SANITIZE AND NOT arg_SANITIZE MATCHES "^(asan|tsan)$")
    message(FATAL_ERROR "ntemu_add_driver(${name}): SANITIZE is '${arg_SANITIZE}'; it may be asan or tsan")
  endif()
  if(NOT arg_OUTPUT_DIRECTORY)
    set(arg_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/drivers)
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
  set(variant plain)
  if(arg_SANITIZE)
    set(variant ${arg_SANITIZE})
    list(APPEND flags --${arg_SANITIZE})
  endif()

  if(TARGET ntcc)
    set(ntcc $<TARGET_FILE:ntcc>)
    set(suffix "")
    if(NOT variant STREQUAL "plain")
      set(suffix _${variant})
    endif()
    set(tool ntcc)
    set(runtime ntoskrnl${suffix} ntdrvrt_${variant})
    # In a sanitized build the one runtime is sanitized, and so are the drivers for it.
    if(NTEMU_SANITIZE STREQUAL "address" AND NOT arg_SANITIZE)
      list(APPEND flags --asan --runtime ${ntemu_BINARY_DIR}/lib/ntemu/plain)
    elseif(NTEMU_SANITIZE STREQUAL "thread" AND NOT arg_SANITIZE)
      list(APPEND flags --tsan --runtime ${ntemu_BINARY_DIR}/lib/ntemu/plain)
    endif()
  else()
    find_program(NTEMU_NTCC ntcc HINTS ${NTEMU_BIN_DIRECTORY} REQUIRED)
    set(ntcc ${NTEMU_NTCC})
    set(tool ${NTEMU_NTCC})
    set(runtime "")
  endif()
  set(record "")
  if(CMAKE_EXPORT_COMPILE_COMMANDS)
    set(record --compile-commands ${CMAKE_BINARY_DIR}/compile_commands.json)
  endif()

  set(image ${arg_OUTPUT_DIRECTORY}/${name}.sys)
  set(work ${CMAKE_CURRENT_BINARY_DIR}/${name}.dir)
  file(MAKE_DIRECTORY ${work} ${arg_OUTPUT_DIRECTORY})
  set(objects "")
  foreach(source IN LISTS arg_SOURCES)
    get_filename_component(path ${source} ABSOLUTE)
    get_filename_component(stem ${source} NAME)
    list(LENGTH objects index)
    set(object ${work}/${index}-${stem}.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${ntcc} ${flags} ${record} -c ${path} -o ${object} -MD -MF ${object}.d -MT ${object} ${arg_COMPILE_OPTIONS}
      DEPENDS ${path} ${tool} DEPFILE ${object}.d COMMENT "ntcc ${name}: ${source}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  add_custom_command(OUTPUT ${image}
    COMMAND ${ntcc} ${flags} -o ${image} ${objects}
    DEPENDS ${objects} ${tool} ${runtime} COMMENT "ntcc ${name}.sys" VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${image})
  set_target_properties(${name} PROPERTIES NTEMU_IMAGE ${image})
endfunction()
