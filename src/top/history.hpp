// SPDX-License-Identifier: MIT
// The rates of the last two minutes, a number for each second, put together from replies that each
// hold the last ten. A gap that no reply covers begins the history anew: no second is made up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "top/frame.hpp"

namespace fw::top {

class History {
 public:
  static constexpr std::size_t kSeconds = 120;

  void add(const Frame& frame);
  // "in", "passed", "dropped", or the name of a class; oldest first, at most kSeconds. Valid until
  // the next add().
  [[nodiscard]] const std::vector<std::uint64_t>& of(std::string_view series) const;

 private:
  std::uint64_t newest_ = 0;
  std::map<std::string, std::vector<std::uint64_t>, std::less<>> series_;
};

}  // namespace fw::top
