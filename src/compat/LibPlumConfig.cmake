# SPDX-License-Identifier: MIT OR Apache-2.0
#
# find_package(LibPlum): LibPlum::LibPlum, the shared library, and where expat is there to link,
# LibPlum::LibPlumStatic.
include("${CMAKE_CURRENT_LIST_DIR}/LibPlumTargets.cmake")

find_package(Threads QUIET)
find_package(EXPAT QUIET)
if(TARGET Threads::Threads AND TARGET EXPAT::EXPAT)
  include("${CMAKE_CURRENT_LIST_DIR}/LibPlumStaticTargets.cmake")
endif()
