// SPDX-License-Identifier: MIT
// What the datapath in the kernel is opened with.
#pragma once

#include <filesystem>

#include "datapath/user/tables.hpp"

namespace fw::datapath::xdp {

struct Options {
  TableSizes sizes;
  std::filesystem::path pins = "/sys/fs/bpf/floodwall";  // a folder in a mounted bpffs
};

}  // namespace fw::datapath::xdp
