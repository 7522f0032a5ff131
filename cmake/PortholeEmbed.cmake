# SPDX-License-Identifier: MIT OR Apache-2.0
#
# porthole_embed_text(FILE NAME RET): makes a C file of a text file, for a target to compile:
# `const char *const NAME[]`, a string a line (a compiler need not take longer ones), ended by NULL.
# Comments and empty lines are left out. RET is the C file's path.
function(porthole_embed_text file name ret)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${file}")
  file(READ "${PROJECT_SOURCE_DIR}/${file}" text)
  string(REGEX REPLACE "/[*]([^*]|[*][^/])*[*]+/" "" text "${text}")
  string(REGEX REPLACE "\n[ \n]*" "\n" text "${text}")
  string(REGEX REPLACE "^\n|\n$" "" text "${text}")
  string(REGEX REPLACE "([\"\\])" "\\\\\\1" text "${text}")
  string(REPLACE "\n" "\\n\",\n    \"" text "${text}")
  set(path "${PROJECT_BINARY_DIR}/embed/${name}.c")
  file(CONFIGURE OUTPUT "${path}" CONTENT "/* Made of ${file}. */
#include <stddef.h>

extern const char *const ${name}[];
const char *const ${name}[] = {
    \"${text}\\n\",
    NULL};
" @ONLY)
  set(${ret} "${path}" PARENT_SCOPE)
endfunction()
