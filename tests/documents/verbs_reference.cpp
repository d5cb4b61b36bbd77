// SPDX-License-Identifier: MIT
// verbs_reference [--check] FILE: writes docs/verbs.md from the table of commands
// (src/cli/command_table.hpp); with --check only says whether it is stale. Run by tools/verbs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "cli/command_table.hpp"

namespace fw::cli {
namespace {

constexpr std::uint64_t kMaxFileBytes = 1ULL << 20;
constexpr std::string_view kHead =
    "# Verbs\n\nMade by `tools/verbs` from `src/cli/command_table.hpp` and\n"
    "`src/control/verbs.hpp`: change it there. Replies: [api.md](api.md). `--json`, `--help` and,\n"
    "for those that ask the daemon, `--socket PATH` work with each. Without a daemon each says\n"
    "whether the kernel still filters, and what to type.\n";

std::string usage_of(const control::Verb& verb) {
  std::string out = fmt::format("floodwall {}", verb.name);
  if (!verb.options.empty()) out += " [OPTION...]";
  if (verb.argument.empty()) return out;
  std::string name(verb.argument);
  for (char& letter : name) letter = static_cast<char>(letter & ~0x20);
  if (verb.at_most > 1) name += "...";
  return out + (verb.at_least == 0 ? fmt::format(" [{}]", name) : " " + name);
}

std::string document() {
  std::string out(kHead);
  std::string_view group;
  for (const Command& command : kCommands) {
    if (command.group != group) {
      group = command.group;
      out += fmt::format("\n## {}\n", group);
    }
    const control::Verb& verb = command.syntax;
    out += fmt::format("\n### {}\n`{}`: {}.", verb.name, usage_of(verb), verb.summary);
    if (!verb.choices.empty()) out += fmt::format(" One of `{}`.", fmt::join(verb.choices, " "));
    out += "\n";
    if (!command.notes.empty()) out += fmt::format("\n{}\n", command.notes);
    if (verb.options.empty()) continue;
    out += "\n| option | |\n|---|---|\n";
    for (const Option& option : verb.options)
      out += fmt::format("| `--{}{}{}` | {} |\n", option.name, option.value.empty() ? "" : " ",
                         option.value, option.help);
  }
  return out;
}

Result<bool> run(const std::filesystem::path& file, bool only_check) {
  const std::string wanted = document();
  const auto current = read_file(file, kMaxFileBytes);
  if (only_check) return current && *current == wanted;
  if (current && *current == wanted) return true;
  if (auto written = write_file(file, wanted); !written) return std::unexpected(written.error());
  return true;
}

}  // namespace
}  // namespace fw::cli

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.empty() || arguments.size() > 2 ||
        (arguments.size() == 2 && arguments[0] != "--check")) {
      fmt::print(stderr, "usage: verbs_reference [--check] FILE\n");
      return 2;
    }
    const auto current = fw::cli::run(arguments.back(), arguments.size() == 2);
    if (!current)
      fmt::print("{}\n", current.error().message);
    else
      fmt::print("{}: {}\n", arguments.back(),
                 *current ? "as the table of commands says" : "stale; run tools/verbs");
    return current && *current ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "verbs_reference: {}\n", error.what());
    return 1;
  }
}
