// SPDX-License-Identifier: MIT
#include "engine/enforce/list_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <span>
#include <tuple>
#include <utility>

#include "lists/glob.hpp"
#include "lists/image.hpp"

namespace fw::engine {
namespace {

Address next(const Address& address) {
  return {address.hi + (address.lo == ~0ULL ? 1 : 0), address.lo + 1};
}
Address previous(const Address& address) {
  return {address.hi - (address.lo == 0 ? 1 : 0), address.lo - 1};
}

std::vector<lists::Range> ranges_of(const ListTable& table) {
  std::vector<lists::Range> ranges;
  ranges.reserve(table.entries().size());
  for (const ListEntry& entry : table.entries()) ranges.push_back({entry.first, entry.last});
  return ranges;
}

// An entry is of one family (lists/list_file.hpp).
bool is_v4(const ListEntry& entry) {
  return entry.first.is_v4();
}

// Removes the addresses of `hole` from `ranges`.
void cut_out(std::vector<lists::Range>& ranges, const Prefix& hole) {
  const Address first = hole.address;
  const Address last = hole.last();
  std::vector<lists::Range> left;
  for (const lists::Range& range : ranges) {
    if (range.is_v4() != hole.is_v4() || range.last < first || last < range.first) {
      left.push_back(range);
      continue;
    }
    if (range.first < first) left.push_back({range.first, previous(first)});
    if (last < range.last) left.push_back({next(last), range.last});
  }
  ranges = std::move(left);
}

void read_files(ListTable& table, std::vector<std::string>& problems,
                const std::vector<std::string>& patterns, const std::string& default_name,
                const std::filesystem::path& folder) {
  if (const Result<void> bounded = lists::check_patterns(patterns, folder); !bounded)
    problems.push_back(bounded.error().message);
  for (const std::filesystem::path& path : lists::expand(patterns, folder)) {
    lists::List list = lists::read_list(path);
    std::ranges::copy(list.problems, std::back_inserter(problems));
    if (list.missing && path.filename() != default_name)
      problems.push_back(
          fmt::format("{}: no such file, but floodwall.toml names it as a list", path.native()));
    const std::filesystem::path relative = path.lexically_relative(folder);
    const bool below = !relative.empty() && *relative.begin() != "..";
    table.add_file(std::move(list), below ? relative.native() : path.native());
  }
  table.finish();
}

}  // namespace

std::string ListTable::place_of(const ListEntry& entry) const {
  return fmt::format("{}:{}", file_of(entry), entry.line);
}

void ListTable::add_file(lists::List list, std::string name) {
  const auto file = static_cast<std::uint32_t>(files_.size());
  files_.push_back(std::move(name));
  entries_.reserve(entries_.size() + list.entries.size());
  for (lists::Entry& entry : list.entries) {
    std::uint32_t comment = 0;
    if (!entry.comment.empty()) {
      comment = static_cast<std::uint32_t>(comments_.size());
      comments_.push_back(std::move(entry.comment));
    }
    entries_.push_back({.first = entry.first,
                        .last = entry.last,
                        .line = entry.line,
                        .file = file,
                        .comment = comment});
  }
}

void ListTable::finish() {
  // IPv6 first, then by address. Of entries with the same first address the widest comes first, so
  // that a search backwards finds the narrowest.
  std::ranges::sort(entries_, [](const ListEntry& a, const ListEntry& b) {
    const bool a_v4 = is_v4(a), b_v4 = is_v4(b);
    return std::tie(a_v4, a.first, b.last, a.file, a.line) <
           std::tie(b_v4, b.first, a.last, b.file, b.line);
  });
  first_v4_ = static_cast<std::size_t>(std::ranges::partition_point(entries_, std::not_fn(is_v4)) -
                                       entries_.begin());
  reach_.clear();
  reach_.reserve(entries_.size());
  for (const ListEntry& entry : entries_) {
    const bool is_first = reach_.empty() || reach_.size() == first_v4_;
    reach_.push_back(is_first ? entry.last : std::max(reach_.back(), entry.last));
  }
}

// Searches the entries of the prefix's family. Those that begin after `prefix` cannot touch it;
// going back from there, the search ends where no earlier entry reaches the prefix.
template <typename Accept>
const ListEntry* ListTable::find(const Prefix& prefix, Accept accept) const {
  const Address last = prefix.last();
  const std::size_t begin = prefix.is_v4() ? first_v4_ : 0;
  const std::size_t count = prefix.is_v4() ? entries_.size() - first_v4_ : first_v4_;
  const std::span family = std::span(entries_).subspan(begin, count);
  const auto end = std::ranges::upper_bound(family, last, {}, &ListEntry::first);
  for (std::size_t i = begin + static_cast<std::size_t>(end - family.begin()); i > begin; --i) {
    if (reach_[i - 1] < prefix.address) return nullptr;
    if (accept(entries_[i - 1], last)) return &entries_[i - 1];
  }
  return nullptr;
}

const ListEntry* ListTable::covering(const Prefix& prefix) const {
  return find(prefix, [&](const ListEntry& entry, const Address& last) {
    return entry.first <= prefix.address && entry.last >= last;
  });
}

const ListEntry* ListTable::touching(const Prefix& prefix) const {
  return find(prefix,
              [&](const ListEntry& entry, const Address&) { return entry.last >= prefix.address; });
}

ListSet ListSet::read(const config::Lists& lists, const std::filesystem::path& folder) {
  ListSet set;
  read_files(set.deny, set.problems, lists.deny, "deny.list", folder);
  read_files(set.allow, set.problems, lists.allow, "allow.list", folder);
  return set;
}

Result<std::vector<std::byte>> ListSet::image(const PrefixMap<bool>& not_allowed) const {
  std::vector<lists::Range> allowed = ranges_of(allow);
  for (const auto& [prefix, forced] : not_allowed)
    if (allow.touching(prefix) != nullptr) cut_out(allowed, prefix);
  return lists::build_image(ranges_of(deny), allowed);
}

}  // namespace fw::engine
