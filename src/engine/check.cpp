// SPDX-License-Identifier: MIT
#include "engine/check.hpp"

#include <fmt/format.h>

#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "config/config.hpp"
#include "engine/enforce/list_set.hpp"

namespace fw::engine {

Result<std::string> check_configuration(const std::filesystem::path& file) {
  const Result<config::Config> config = config::load(file);
  if (!config) return std::unexpected(config.error());
  const ListSet lists = ListSet::read(config->lists, file.parent_path());
  if (const auto image = lists.image({}); !image)
    return fail(ErrorKind::invalid_config, image.error().message);
  std::string message =
      fmt::format("{} is valid: {} services, {} deny and {} allow entries", file.native(),
                  config->services.size(), grouped(lists.deny.entries().size()),
                  grouped(lists.allow.entries().size()));
  for (const std::string& problem : lists.problems) message += "\nskipped: " + printable(problem);
  return message;
}

}  // namespace fw::engine
