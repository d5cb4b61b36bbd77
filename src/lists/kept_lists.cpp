// SPDX-License-Identifier: MIT
#include "lists/kept_lists.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/file.hpp"
#include "base/units.hpp"

namespace fw::lists {

namespace {

// Why a list must not take the place of one with `kept` entries; empty: it may.
std::string objection(const List& list, std::size_t kept) {
  if (list.is_mostly_odd())
    return fmt::format("{} of its {} lines cannot be read", grouped(list.bad_lines),
                       grouped(list.bad_lines + list.entries.size()));
  if (list.entries.size() * 2 < kept)
    return fmt::format("it has {} entries now instead of {}", grouped(list.entries.size()),
                       grouped(kept));
  return {};
}

}  // namespace

std::filesystem::path KeptLists::copy_of(const std::filesystem::path& file) const {
  return folder_ / file.relative_path();
}

std::vector<std::filesystem::path> KeptLists::expand(std::span<const std::string> patterns,
                                                     const std::filesystem::path& folder) const {
  std::vector<std::filesystem::path> files = lists::expand(patterns, folder);
  if (folder_.empty()) return files;
  std::vector<std::string> kept;
  kept.reserve(patterns.size());
  for (const std::string& pattern : patterns)
    kept.push_back(copy_of((folder / pattern).lexically_normal()));
  for (const std::filesystem::path& copy : lists::expand(kept, folder_)) {
    std::filesystem::path file = "/" / copy.lexically_relative(folder_.lexically_normal());
    if (std::ranges::find(files, file) == files.end()) files.push_back(std::move(file));
  }
  return files;
}

Version KeptLists::read(const std::filesystem::path& file, bool accepted) const {
  Budget budget;
  return read(file, accepted, budget);
}

Version KeptLists::read(const std::filesystem::path& file, bool accepted, Budget& budget) const {
  Version version{.list = {}, .stale = {}, .since = {}, .text = {}};
  if (folder_.empty()) {
    version.list = read_list(file, budget);
    return version;
  }
  const std::filesystem::path copy = copy_of(file);
  const Result<std::string> kept = read_file(copy);
  Result<std::string> text = read_file(file);
  if (text) text = in_utf8(std::move(*text));

  const auto use_copy = [&](std::string why) {
    version.list = parse_list(*kept, file.native(), budget);
    version.stale = std::move(why);
  };
  if (kept) {
    std::error_code unknown;
    version.since = std::filesystem::last_write_time(copy, unknown);
    if (unknown) version.since.reset();
  }
  if (!text) {
    version.list = read_list(file, budget);  // says whether it is missing
    if (!kept) return version;
    if (version.list.missing && accepted) {
      version.forget = true;
      return version;
    }
    use_copy(version.list.missing ? "the file is gone" : text.error().message);
    return version;
  }
  if (kept && *kept == *text) {
    use_copy("");
    return version;
  }

  version.list = parse_list(*text, file.native(), budget);
  if (kept && !accepted) {
    const std::size_t former = count_entries(*kept, budget);
    if (std::string why = objection(version.list, former); !why.empty()) {
      budget.entries += std::exchange(version.list, {}).entries.size();
      use_copy(std::move(why));
      return version;
    }
  }
  version.since.reset();
  // What is mostly odd is in force for want of a better version, and the next one is compared with
  // the one before.
  if (accepted || !version.list.is_mostly_odd()) version.text = std::move(*text);
  return version;
}

Result<void> KeptLists::keep(const Version& version) const {
  if (folder_.empty()) return {};
  const std::filesystem::path copy = copy_of(version.list.path);
  std::error_code error;
  if (version.forget) {
    std::filesystem::remove(copy, error);
  } else if (version.text) {
    std::filesystem::create_directories(copy.parent_path(), error);
    return write_file(copy, *version.text, 0640);
  }
  return {};
}

}  // namespace fw::lists
