# SPDX-License-Identifier: MIT OR Apache-2.0
#
# What starts `porthole serve`: a unit for systemd, a script for OpenRC, and an example of a
# configuration. The files in packaging/ name /usr/bin/porthole; installed they name the command
# where it was installed.
find_program(PORTHOLE_OPENRC_RUN openrc-run PATHS /sbin /usr/sbin)
mark_as_advanced(PORTHOLE_OPENRC_RUN)
if(PORTHOLE_OPENRC_RUN)
  set(has_openrc ON)
else()
  set(has_openrc OFF)
endif()
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(has_systemd ON)
else()
  set(has_systemd OFF)
endif()
option(PORTHOLE_INSTALL_SYSTEMD "Install the systemd unit porthole@.service" ${has_systemd})
option(PORTHOLE_INSTALL_OPENRC "Install the OpenRC script porthole" ${has_openrc})
set(PORTHOLE_SYSTEMD_UNIT_DIR "lib/systemd/system" CACHE STRING "Where systemd finds units")

# porthole_install_starter(FILE DESTINATION folder [RENAME name] [PROGRAM]): with the command's path.
function(porthole_install_starter file)
  cmake_parse_arguments(PARSE_ARGV 1 arg "PROGRAM" "DESTINATION" "")
  cmake_path(GET file FILENAME name)
  set(made "${PROJECT_BINARY_DIR}/packaging/${file}")
  cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_BINDIR BASE_DIRECTORY "/prefix" OUTPUT_VARIABLE folder)
  # The prefix is known at the time of the installation, and not before.
  install(CODE "
    string(REGEX REPLACE \"^/prefix\" \"\${CMAKE_INSTALL_PREFIX}\" folder \"${folder}\")
    file(READ \"${PROJECT_SOURCE_DIR}/packaging/${file}\" text)
    string(REPLACE \"/usr/bin/porthole\" \"\${folder}/porthole\" text \"\${text}\")
    file(WRITE \"${made}\" \"\${text}\")")
  if(arg_PROGRAM)
    install(PROGRAMS "${made}" DESTINATION "${arg_DESTINATION}")
  else()
    install(FILES "${made}" DESTINATION "${arg_DESTINATION}")
  endif()
endfunction()

if(PORTHOLE_INSTALL_SYSTEMD)
  porthole_install_starter("systemd/porthole@.service" DESTINATION "${PORTHOLE_SYSTEMD_UNIT_DIR}")
endif()
if(PORTHOLE_INSTALL_OPENRC)
  porthole_install_starter("openrc/porthole" PROGRAM
    DESTINATION "${CMAKE_INSTALL_SYSCONFDIR}/init.d")
  install(FILES "${PROJECT_SOURCE_DIR}/packaging/openrc/porthole.confd"
    DESTINATION "${CMAKE_INSTALL_SYSCONFDIR}/conf.d" RENAME porthole)
endif()
install(FILES "${PROJECT_SOURCE_DIR}/packaging/porthole.conf"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples")
