# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Language, warnings and instrumentation. Nothing here reaches a project that includes this one by
# add_subdirectory: the variables live in this folder's scope, the options are per target.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON) # the static and the shared library are made of one build
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
  endif()
endif()

# Asserts guard against our own mistakes and stay on in every build. -O3 makes the library larger
# and no faster.
foreach(config IN ITEMS RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REGEX REPLACE "[-/]DNDEBUG" "" CMAKE_C_FLAGS_${config} "${CMAKE_C_FLAGS_${config}}")
endforeach()
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")

set(PORTHOLE_WARNINGS "")
set(PORTHOLE_COMPILE_OPTIONS "")
if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  set(PORTHOLE_WARNINGS
    -Wall
    -Wextra
    -Wpedantic
    -Wconversion
    -Wshadow
    -Wstrict-prototypes
    -Wmissing-prototypes
    -Wvla
    -Wswitch-enum
    -Wformat=2)
  if(PORTHOLE_WERROR)
    list(APPEND PORTHOLE_WARNINGS -Werror)
  endif()
  # Some distributions' compilers define _FORTIFY_SOURCE of themselves.
  set(PORTHOLE_COMPILE_OPTIONS ${PORTHOLE_WARNINGS}
    "$<$<CONFIG:Release>:-fstack-protector-strong;-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
endif()

set(instrument "")
if(PORTHOLE_SANITIZE)
  list(APPEND instrument
    -fsanitize=${PORTHOLE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()
if(PORTHOLE_COVERAGE)
  list(APPEND instrument -fprofile-instr-generate -fcoverage-mapping)
endif()
add_compile_options(${instrument})
add_link_options(${instrument})
if(PORTHOLE_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "PORTHOLE_FUZZ needs clang: its libFuzzer drives the fuzz targets")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# True when object code is as users get it: only then can tests look at its symbols.
if(PORTHOLE_SANITIZE OR PORTHOLE_COVERAGE OR PORTHOLE_FUZZ)
  set(PORTHOLE_INSTRUMENTED ON)
else()
  set(PORTHOLE_INSTRUMENTED OFF)
endif()
