# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Layers and who may include whom. For each target a folder of links, see/LAYER in the build tree,
# holds just the rooms that it may see, and that folder is its include path: an include that breaks
# the layer rule does not compile. The public headers in include/ are visible to all.

# Where a room is in the source tree.
function(porthole_room_path room ret_path)
  if(EXISTS "${PROJECT_SOURCE_DIR}/src/${room}")
    set(${ret_path} "${PROJECT_SOURCE_DIR}/src/${room}" PARENT_SCOPE)
  else()
    set(${ret_path} "${PROJECT_SOURCE_DIR}/${room}" PARENT_SCOPE)
  endif()
endfunction()

# Gives TARGET an include path that holds these rooms only. Without symbolic links (some Windows
# accounts) it gets the whole source: the same code compiles, and the rule is checked elsewhere.
function(porthole_see target)
  string(REGEX REPLACE "^porthole_" "" name ${target})
  set(see "${PROJECT_BINARY_DIR}/see/${name}")
  file(MAKE_DIRECTORY "${see}")
  file(GLOB stale RELATIVE "${see}" "${see}/*")
  list(REMOVE_ITEM stale ${ARGN})
  foreach(room IN LISTS stale)
    file(REMOVE "${see}/${room}")
  endforeach()
  set(folders "${see}")
  foreach(room IN LISTS ARGN)
    porthole_room_path(${room} path)
    file(CREATE_LINK "${path}" "${see}/${room}" RESULT result SYMBOLIC)
    if(NOT result EQUAL 0)
      set(folders "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}")
    endif()
  endforeach()
  target_include_directories(${target} PRIVATE
    ${folders} "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>")
  target_compile_options(${target} PRIVATE ${PORTHOLE_COMPILE_OPTIONS})
  # The tests look at the true include path and the true object files.
  set(facts "${target}\tinclude\t$<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>\n")
  string(APPEND facts "${target}\tobjects\t$<TARGET_OBJECTS:${target}>\n")
  set_property(GLOBAL APPEND_STRING PROPERTY PORTHOLE_LAYERS "${facts}")
endfunction()

# porthole_layer(NAME SEES rooms... SOURCES files... [LINKS targets...]): a layer of the library.
function(porthole_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SEES;SOURCES;LINKS")
  add_library(porthole_${name} OBJECT ${arg_SOURCES})
  porthole_see(porthole_${name} ${arg_SEES})
  target_link_libraries(porthole_${name} PRIVATE ${arg_LINKS})
endfunction()

# porthole_archive(NAME SEES rooms... SOURCES files... LINKS targets...): what uses the library.
function(porthole_archive name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SEES;SOURCES;LINKS")
  add_library(porthole_${name} STATIC ${arg_SOURCES})
  porthole_see(porthole_${name} ${arg_SEES})
  target_link_libraries(porthole_${name} PUBLIC ${arg_LINKS})
endfunction()

# porthole_program(TARGET SEES rooms... SOURCES files... LINKS targets...)
function(porthole_program target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SEES;SOURCES;LINKS")
  add_executable(${target} ${arg_SOURCES})
  porthole_see(${target} ${arg_SEES})
  target_link_libraries(${target} PRIVATE ${arg_LINKS})
endfunction()

# The static and the shared library, of the same object files.
function(porthole_libraries)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "LAYERS")
  set(objects "")
  foreach(layer IN LISTS arg_LAYERS)
    list(APPEND objects "$<TARGET_OBJECTS:porthole_${layer}>")
  endforeach()
  add_library(porthole SHARED ${objects})
  add_library(porthole_static STATIC ${objects})
  add_library(porthole::porthole ALIAS porthole)
  add_library(porthole::porthole_static ALIAS porthole_static)
  foreach(library IN ITEMS porthole porthole_static)
    target_include_directories(${library} INTERFACE
      "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>")
    target_link_libraries(${library} PRIVATE EXPAT::EXPAT Threads::Threads)
    set_target_properties(${library} PROPERTIES LINKER_LANGUAGE C)
  endforeach()
  set_target_properties(porthole PROPERTIES
    VERSION ${PROJECT_VERSION}
    SOVERSION 0) # goes up when a program built before would no longer run
  if(NOT WIN32) # where the import library of the shared one has this name
    set_target_properties(porthole_static PROPERTIES OUTPUT_NAME porthole)
  endif()
  porthole_export_list(porthole "${PROJECT_SOURCE_DIR}/src/porthole.map")
endfunction()

# Exports the symbols of a version script and no others, where the linker knows such scripts.
function(porthole_export_list target script)
  include(CheckLinkerFlag)
  set(trial "${PROJECT_BINARY_DIR}/trial.map")
  file(WRITE "${trial}" "{ local: *; };\n")
  check_linker_flag(C "LINKER:--version-script=${trial}" PORTHOLE_HAVE_VERSION_SCRIPT)
  if(PORTHOLE_HAVE_VERSION_SCRIPT)
    target_link_options(${target} PRIVATE "LINKER:--version-script=${script}")
    set_target_properties(${target} PROPERTIES LINK_DEPENDS "${script}")
  endif()
endfunction()
