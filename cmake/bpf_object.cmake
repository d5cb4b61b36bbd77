# bpf_object(NAME SOURCE): compiles SOURCE for the BPF target and generates NAME.skel.h beside it.
# Link the INTERFACE target NAME to include it.
find_program(BPF_CLANG NAMES clang-19 clang-18 clang-17 clang-16 clang-14 clang REQUIRED)
find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)

function(bpf_object name source)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
  cmake_path(ABSOLUTE_PATH source)
  add_custom_command(
    OUTPUT ${object}
    COMMAND
      ${BPF_CLANG} -target bpf -mcpu=v3 -std=gnu11 -g -O2 -Wall -Wextra -Werror
      -Wno-unused-function -I${PROJECT_SOURCE_DIR}/src -idirafter
      /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -ffile-prefix-map=${PROJECT_SOURCE_DIR}=. -MD -MF
      ${object}.d -MT ${object} -c ${source} -o ${object}
    DEPENDS ${source}
    DEPFILE ${object}.d
    COMMENT "BPF ${name}"
    VERBATIM)
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND ${BPFTOOL} gen skeleton ${object} name ${name} > ${skeleton}
    DEPENDS ${object}
    VERBATIM)
  add_custom_target(${name}_skeleton DEPENDS ${skeleton})
  add_library(${name} INTERFACE)
  add_dependencies(${name} ${name}_skeleton)
  target_include_directories(${name} SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(${name} INTERFACE PkgConfig::BPF)
endfunction()
