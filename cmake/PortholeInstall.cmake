# SPDX-License-Identifier: MIT OR Apache-2.0
#
# What is installed: header, both libraries, the command, its completions, man pages, licences, and
# how others find it: a pkg-config file and a CMake package. Paths in both are relative, so the tree
# can be moved. The libplum that is porthole is installed by src/compat.
include(CMakePackageConfigHelpers)

install(TARGETS porthole EXPORT porthole-targets
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
# An export of its own: only who links the static library needs expat to be found.
install(TARGETS porthole_static EXPORT porthole-static-targets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/porthole"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
if(PORTHOLE_BUILD_CLI)
  install(TARGETS porthole_command RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  file(GLOB manual1 CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/man/*.1")
  file(GLOB manual5 CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/man/*.5")
  install(FILES ${manual1} DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  install(FILES ${manual5} DESTINATION "${CMAKE_INSTALL_MANDIR}/man5")

  # Where each shell looks; distributions have other folders for what they package.
  set(PORTHOLE_BASHDIR "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" CACHE STRING
    "Where bash looks for completions")
  set(PORTHOLE_ZSHDIR "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" CACHE STRING
    "Where zsh does")
  set(PORTHOLE_FISHDIR "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" CACHE STRING
    "Where fish does")
  set(completions "${PROJECT_SOURCE_DIR}/packaging/completions")
  install(FILES "${completions}/porthole.bash" DESTINATION "${PORTHOLE_BASHDIR}" RENAME porthole)
  install(FILES "${completions}/_porthole" DESTINATION "${PORTHOLE_ZSHDIR}")
  install(FILES "${completions}/porthole.fish" DESTINATION "${PORTHOLE_FISHDIR}")
  include(PortholeService)
endif()

file(GLOB manual3 CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/man/*.3")
install(FILES ${manual3} DESTINATION "${CMAKE_INSTALL_MANDIR}/man3")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE-MIT" "${PROJECT_SOURCE_DIR}/LICENSE-APACHE"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}")

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/porthole")
install(EXPORT porthole-targets NAMESPACE porthole:: DESTINATION "${package_dir}")
install(EXPORT porthole-static-targets NAMESPACE porthole:: DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/porthole-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_SOURCE_DIR}/cmake/porthole-config.cmake"
  "${PROJECT_BINARY_DIR}/porthole-config-version.cmake"
  DESTINATION "${package_dir}")

# ${pcfiledir} is where pkg-config found the file.
file(RELATIVE_PATH to_prefix "/x/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/x")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  set(pc_prefix "\${pcfiledir}/${to_prefix}")
  string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
endif()
cmake_path(APPEND pc_libdir "\${prefix}" "${CMAKE_INSTALL_LIBDIR}")
cmake_path(APPEND pc_includedir "\${prefix}" "${CMAKE_INSTALL_INCLUDEDIR}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/porthole.pc.in" "${PROJECT_BINARY_DIR}/porthole.pc"
  @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/porthole.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
