// SPDX-License-Identifier: MIT
// Digests of the list image that was published, by which a part of the image in the kernel is
// compared at each look: an image can have hundreds of megabytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "abi/configuration.h"

namespace fw::datapath::xdp {

class PublishedImage {
 public:
  // Judgement: all of a list of up to 60,000 IPv4 entries is seen in two seconds. Measured: 0.7 ms
  // per look.
  static constexpr std::size_t kBytesPerLook = std::size_t{4} << 20;

  // `word` is fw_active::lists, `map` the kernel's number of the map of the lines behind those at
  // fixed places (0: not known). The two parts of the image are memory of the kernel.
  void set(fw_u32 word, std::uint32_t map, std::span<const std::byte> fixed,
           std::span<const std::byte> rest);

  [[nodiscard]] fw_u32 word() const { return word_; }
  [[nodiscard]] std::uint32_t map() const { return map_; }
  // Compares the next part. True: it is as it was published.
  [[nodiscard]] bool look();

 private:
  struct Part {
    std::span<const std::byte> bytes;
    std::size_t digest = 0;
  };

  fw_u32 word_ = FW_LISTS_NONE;
  std::uint32_t map_ = 0;
  std::vector<Part> parts_;
  std::size_t next_ = 0;  // part to compare
};

}  // namespace fw::datapath::xdp
