// SPDX-License-Identifier: MIT
#include "engine/enforce/list_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <span>
#include <tuple>
#include <utility>

#include "base/units.hpp"
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

std::vector<lists::Range> ranges_of(const ListTable& table) {  // of allow lists, which are short
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

using Wall = std::chrono::system_clock::time_point;

struct Reading {
  const std::filesystem::path& folder;
  Wall wall;
  const lists::KeptLists& kept;
  const lists::Accepted& accepted;
  lists::Budget& budget;
};

void read_files(const Reading& from, const std::vector<std::string>& patterns,
                const std::string& default_name, ListTable& table, ListSet& set) {
  if (const Result<void> bounded = lists::check_patterns(patterns, from.folder); !bounded)
    set.problems.push_back(bounded.error().message);
  for (const std::filesystem::path& path : from.kept.expand(patterns, from.folder)) {
    lists::Version version = from.kept.read(path, from.accepted.contains(path), from.budget);
    lists::List& list = version.list;
    const std::filesystem::path relative = path.lexically_relative(from.folder);
    const bool below = !relative.empty() && *relative.begin() != "..";
    const std::string name = below ? relative.native() : path.native();

    std::ranges::copy(list.problems, std::back_inserter(set.problems));
    // A file of a pattern whose loss was accepted is not named any more.
    if (list.missing && path.filename() != default_name && !version.forget)
      set.problems.push_back(
          fmt::format("{}: no such file, but floodwall.toml names it as a list", path.native()));
    if (!version.stale.empty()) {
      set.stale.push_back(name);
      set.stale_in_words.push_back(
          fmt::format("{} is stale: {}; its last good version ({} entries) stays in force. If that "
                      "is meant: floodwall apply --accept",
                      name, version.stale, grouped(list.entries.size())));
      set.problems.push_back(set.stale_in_words.back());
    }
    const Wall loaded = version.since ? std::chrono::time_point_cast<Wall::duration>(
                                            std::chrono::file_clock::to_sys(*version.since))
                                      : from.wall;
    if (version.text || version.forget) {
      lists::List without_entries;
      without_entries.path = path;
      set.fresh.push_back({.list = std::move(without_entries),
                           .stale = {},
                           .since = {},
                           .text = std::move(version.text),
                           .forget = version.forget});
    }
    table.add_file(std::move(list), name, std::min(loaded, from.wall));
  }
  table.finish();
  (void)table.expire(from.wall);
}

bool holds_everything(const ListEntry& entry) {
  if (is_v4(entry)) return entry.first.v4_number() == 0 && entry.last.v4_number() == ~0U;
  return entry.first == Address{} && entry.last == Address{~0ULL, ~0ULL};
}

std::string everything_in_words(const ListEntry& entry) {
  return fmt::format("it is every {} address", is_v4(entry) ? "IPv4" : "IPv6");
}

}  // namespace

std::string ListTable::place_of(const ListEntry& entry) const {
  return fmt::format("{}:{}", file_of(entry), entry.line);
}

void ListTable::add_file(lists::List list, std::string name,
                         std::chrono::system_clock::time_point loaded) {
  const auto file = static_cast<std::uint32_t>(files_.size());
  files_.push_back(std::move(name));
  loaded_.push_back(loaded);
  // Comment 0 is the empty one, of both.
  const auto comments_before = static_cast<std::uint32_t>(comments_.size()) - 1;
  std::move(list.comments.begin() + 1, list.comments.end(), std::back_inserter(comments_));
  for (ListEntry& entry : list.entries) {
    entry.file = file;
    if (entry.comment != 0) entry.comment += comments_before;
    first_end_ = std::min(first_end_, end_of(entry));
  }
  if (entries_.empty())
    entries_ = std::move(list.entries);
  else
    entries_.insert(entries_.end(), list.entries.begin(), list.entries.end());
}

std::chrono::system_clock::time_point ListTable::end_of(const ListEntry& entry) const {
  return entry.timeout_s == 0 ? kNever
                              : loaded_[entry.file] + std::chrono::seconds(entry.timeout_s);
}

bool ListTable::expire(std::chrono::system_clock::time_point wall) {
  if (wall < first_end_) return false;
  const auto ended = [&](const ListEntry& entry) { return end_of(entry) <= wall; };
  std::erase_if(refused_, ended);
  const bool any = std::erase_if(entries_, ended) != 0;
  first_end_ = kNever;
  for (const auto* entries : {&entries_, &refused_})
    for (const ListEntry& entry : *entries) first_end_ = std::min(first_end_, end_of(entry));
  if (any) finish();
  return any;
}

std::vector<std::string> ListTable::refuse(const Objection& why) {
  const bool were_refused = !refused_.empty();
  std::ranges::copy(std::exchange(refused_, {}), std::back_inserter(entries_));
  std::vector<std::string> sentences;
  std::erase_if(entries_, [&](const ListEntry& entry) {
    const std::string words = why(entry);
    if (words.empty()) return false;
    sentences.push_back(fmt::format("{}: {} is not in force: {}", place_of(entry),
                                    lists::range_text(entry.first, entry.last), words));
    refused_.push_back(entry);
    return true;
  });
  if (were_refused || !refused_.empty()) finish();
  return sentences;
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

ListSet ListSet::read(const config::Lists& lists, const std::filesystem::path& folder,
                      std::chrono::system_clock::time_point wall, const lists::KeptLists& kept,
                      const lists::Accepted& accepted) {
  lists::Budget budget;
  return read(lists, folder, wall, kept, accepted, budget);
}

ListSet ListSet::read(const config::Lists& lists, const std::filesystem::path& folder,
                      std::chrono::system_clock::time_point wall, const lists::KeptLists& kept,
                      const lists::Accepted& accepted, lists::Budget& budget) {
  ListSet set;
  const Reading from{
      .folder = folder, .wall = wall, .kept = kept, .accepted = accepted, .budget = budget};
  read_files(from, lists.deny, "deny.list", set.deny, set);
  read_files(from, lists.allow, "allow.list", set.allow, set);
  return set;
}

void ListSet::refuse(std::span<const OwnPrefix> own) {
  refusals = deny.refuse([&](const ListEntry& entry) -> std::string {
    if (holds_everything(entry)) return everything_in_words(entry);
    const auto held = std::ranges::find_if(own, [&](const OwnPrefix& one) {
      return one.prefix.is_v4() == is_v4(entry) && entry.first <= one.prefix.address &&
             one.prefix.last() <= entry.last;
    });
    return held == own.end() ? std::string() : "it holds " + held->what;
  });
  std::ranges::copy(allow.refuse([](const ListEntry& entry) {
    return holds_everything(entry) ? everything_in_words(entry) : std::string();
  }),
                    std::back_inserter(refusals));
}

Result<std::vector<std::byte>> ListSet::image(const PrefixMap<bool>& not_allowed) const {
  std::vector<lists::Range> allowed = ranges_of(allow);
  for (const auto& [prefix, forced] : not_allowed)
    if (allow.touching(prefix) != nullptr) cut_out(allowed, prefix);
  return lists::build_image(std::span<const ListEntry>(deny.entries()), allowed);
}

}  // namespace fw::engine
