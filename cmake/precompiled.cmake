# Precompiled headers: what most files include and nobody changes, read once. Every file still includes
# what it uses: release is built without, and would not compile otherwise.
option(FLOODWALL_PRECOMPILE "Precompile the headers of the libraries" ON)

# precompiled_headers(NAME HEADERS LINK...): a set that targets with the same options share.
function(precompiled_headers name headers)
  if(NOT FLOODWALL_PRECOMPILE)
    return()
  endif()
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp CONTENT "")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE floodwall_options ${ARGN})
  target_precompile_headers(${name} PRIVATE ${headers})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${name} PRIVATE -fpch-preprocess)  # for ccache
  endif()
endfunction()

# use_precompiled(TARGET NAME): its C++ files start from that set.
function(use_precompiled target name)
  if(NOT FLOODWALL_PRECOMPILE)
    return()
  endif()
  target_precompile_headers(${target} REUSE_FROM ${name})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
  endif()
endfunction()

set(common_headers <algorithm> <array> <chrono> <cstdint> <expected> <filesystem> <functional> <map> <memory>
                   <optional> <span> <string> <string_view> <utility> <vector> <fmt/format.h>)
precompiled_headers(floodwall_precompiled "${common_headers}" fmt::fmt)
