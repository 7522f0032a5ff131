# SPDX-License-Identifier: MIT OR Apache-2.0
#
# find_package(porthole): porthole::porthole, the shared library, and where expat is there to link,
# porthole::porthole_static.
include("${CMAKE_CURRENT_LIST_DIR}/porthole-targets.cmake")

find_package(Threads QUIET)
find_package(EXPAT QUIET)
if(TARGET Threads::Threads AND TARGET EXPAT::EXPAT)
  include("${CMAKE_CURRENT_LIST_DIR}/porthole-static-targets.cmake")
endif()
