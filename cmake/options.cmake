# Warnings, hardening and sanitizers, as one interface target that every target of ours links.
add_library(floodwall_options INTERFACE)
target_compile_options(
  floodwall_options
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror
            $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti -Wnon-virtual-dtor -Woverloaded-virtual>)
target_include_directories(floodwall_options INTERFACE ${PROJECT_SOURCE_DIR}/src
                                                       ${PROJECT_BINARY_DIR}/generated)
if(FLOODWALL_SANITIZE)
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=undefined
                 -fno-omit-frame-pointer)
  # A null pointer ends in AddressSanitizer's report anyhow; its checks are a third of the compile time.
  target_compile_options(floodwall_options INTERFACE ${sanitizers}
                                                     $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=null>)
  target_link_options(floodwall_options INTERFACE ${sanitizers})
elseif(FLOODWALL_TSAN)
  target_compile_options(floodwall_options INTERFACE -fsanitize=thread -Wno-tsan
                                                     -fno-omit-frame-pointer)
  target_link_options(floodwall_options INTERFACE -fsanitize=thread)
else()
  target_compile_options(floodwall_options INTERFACE -fstack-protector-strong)
  # A fault that hostile bytes reach ends the program, which the kernel's part outlives, and is no way in.
  target_compile_options(floodwall_options INTERFACE $<$<CONFIG:Release>:-fstack-clash-protection>)
  target_compile_definitions(
    floodwall_options INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=3> $<$<CONFIG:Release>:_GLIBCXX_ASSERTIONS>)
  target_link_options(floodwall_options INTERFACE $<$<CONFIG:Release>:-Wl,-z,relro,-z,now>)
endif()

# floodwall_library(NAME SOURCES... LINK targets...): a folder of src/ as a static library.
function(floodwall_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC floodwall_options ${arg_LINK})
  use_precompiled(${name} floodwall_precompiled)
endfunction()

# mostly_headers(SOURCES...): nearly all of what is compiled there is Beast or CLI11. In a sanitized build
# those lines have AddressSanitizer alone and no optimisation, which takes 40 % of the time.
function(mostly_headers)
  if(FLOODWALL_SANITIZE)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-O0;-fno-sanitize=undefined"
                                                   SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()
