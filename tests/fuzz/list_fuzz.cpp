// SPDX-License-Identifier: MIT
// Any text as a list file: its entries are in order, and the image made of them answers for the
// ends of each.
#include <algorithm>
#include <cstring>

#include "datapath/address_key.hpp"
#include "fuzz/check.hpp"
#include "harness/list_find.h"
#include "lists/image.hpp"
#include "lists/list_file.hpp"

using fw::test::check;

namespace {

void check_image(const fw::lists::List& list) {
  std::vector<fw::lists::Range> deny;
  for (const fw::lists::ListEntry& entry : list.entries)
    if (deny.size() < 64) deny.push_back({entry.first, entry.last});
  const auto image = fw::lists::build_image(deny, {});
  check(image.has_value());
  std::vector<fw_list_line> lines(image->size() / FW_LINE_BYTES);
  if (!image->empty()) std::memcpy(lines.data(), image->data(), image->size());
  const auto find = [&](const fw::Address& address) {
    fw_u32 looked_at = 0;
    return list_find(lines.data(), static_cast<fw_u32>(lines.size()), key_of(address), &looked_at);
  };
  for (const fw::lists::Range& range : deny) {
    check(find(range.first) == FW_LIST_DENY);
    check(find(range.last) == FW_LIST_DENY);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const fw::lists::List list = fw::lists::parse_list(fw::lists::in_utf8(std::string(text)), "l");
  check(list.problems.size() <= fw::lists::kMaxProblems + 1);
  check(list.problems.empty() == (list.bad_lines == 0));
  for (const fw::lists::ListEntry& entry : list.entries)
    check(entry.first <= entry.last && entry.first.is_v4() == entry.last.is_v4());
  // An image takes milliseconds, a text microseconds: of one length in 32.
  if (size % 32 == 0) check_image(list);
  return 0;
}
