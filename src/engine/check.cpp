// SPDX-License-Identifier: MIT
#include "engine/check.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "base/file.hpp"
#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "config/config.hpp"
#include "engine/enforce/list_load.hpp"
#include "lists/glob.hpp"
#include "lists/list_file.hpp"

namespace fw::engine {

Result<std::string> check_configuration(const std::filesystem::path& file) {
  const Result<config::Config> config = config::load(file);
  if (!config) return std::unexpected(config.error());
  for (const auto* patterns : {&config->lists.deny, &config->lists.allow})
    if (auto bounded = lists::check_patterns(*patterns, file.parent_path()); !bounded)
      return std::unexpected(bounded.error());
  const auto ready = prepare(ListJob{.names = config->lists,
                                     .folder = file.parent_path(),
                                     .wall = {},
                                     .kept = lists::KeptLists(),
                                     .accepted = {},
                                     .limits = {}});
  if (!ready) return fail(ErrorKind::invalid_config, ready.error().message);
  const ListSet& lists = *ready->set;
  std::string message =
      fmt::format("{} is valid: {} services, {} deny and {} allow entries", file.native(),
                  config->services.size(), grouped(lists.deny.entries().size()),
                  grouped(lists.allow.entries().size()));
  for (const std::string& problem : lists.problems) message += "\nskipped: " + printable(problem);
  return message;
}

namespace {

// Opened, as access() would go by the ids of the process, not of the thread.
Result<void> check_readable(const std::filesystem::path& file) {
  if (may_read(file)) return {};
  return fail(ErrorKind::not_permitted,
              fmt::format("you may not read {}: run with sudo", file.native()));
}

}  // namespace

Result<nlohmann::json> check_for_caller(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.parent_path();
  std::vector<std::filesystem::path> files{file, folder / "conf.d"};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "conf.d", error))
    files.push_back(entry.path());
  // Each before anything of it is in a message.
  for (const auto& one : files)
    if (auto readable = check_readable(one); !readable) return std::unexpected(readable.error());
  if (const auto config = config::load(file)) {
    for (const auto& patterns : {config->lists.deny, config->lists.allow})
      for (const auto& list : lists::expand(patterns, folder))
        if (auto readable = check_readable(list); !readable)
          return std::unexpected(readable.error());
  }
  Result<std::string> message = check_configuration(file);
  if (!message) return std::unexpected(std::move(message).error());
  return nlohmann::json{{"valid", true}, {"message", std::move(*message)}};
}

}  // namespace fw::engine
