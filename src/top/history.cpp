// SPDX-License-Identifier: MIT
#include "top/history.hpp"

#include <algorithm>

namespace fw::top {

void History::add(const Frame& frame) {
  const std::size_t held = frame.seconds.in.size();
  const std::uint64_t newest = frame.seconds.newest;
  if (held == 0 || newest < newest_ || newest - newest_ > held) series_.clear();
  const std::size_t fresh = series_.empty() ? held : static_cast<std::size_t>(newest - newest_);
  newest_ = newest;
  const auto append = [&](std::string_view name, const std::vector<std::uint64_t>& values) {
    std::vector<std::uint64_t>& all = series_[std::string(name)];
    const std::size_t taken = std::min(fresh, values.size());
    all.insert(all.end(), values.end() - static_cast<std::ptrdiff_t>(taken), values.end());
    if (all.size() > kSeconds)
      all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(kSeconds));
  };
  append("in", frame.seconds.in);
  append("passed", frame.seconds.passed);
  append("dropped", frame.seconds.dropped);
  for (const ClassRow& row : frame.classes) append(row.name, row.by_second);
}

const std::vector<std::uint64_t>& History::of(std::string_view series) const {
  static const std::vector<std::uint64_t> none;
  const auto found = series_.find(series);
  return found == series_.end() ? none : found->second;
}

}  // namespace fw::top
