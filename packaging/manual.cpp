// SPDX-License-Identifier: MIT
// manual FOLDER: writes what a package installs and the code knows: the manual pages floodwall(8),
// floodwall.toml(5) and floodwall-events(7), from the tables of commands, keys and events, and in
// etc/ what `floodwall setup` would write for all uplinks.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "cli/command_table.hpp"
#include "config/keys.hpp"
#include "engine/journal/event_types.hpp"
#include "setup/setup.hpp"

namespace fw {
namespace {

// mdoc(7): a backslash escapes, and a dot or apostrophe that begins a line makes it a macro.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i++) {
    const bool begins = i == 0 || text[i - 1] == '\n';
    if (begins && (text[i] == '.' || text[i] == '\'')) out += "\\&";
    if (text[i] == '\\')
      out += "\\e";
    else if (text[i] == '-')
      out += "\\-";
    else if (text[i] == ' ' && i > 0 && (text[i - 1] == '.' || text[i - 1] == ':'))
      out += '\n';  // a sentence begins on a line of its own
    else if (!begins || text[i] != ' ')
      out += text[i];
  }
  return out;
}

// Without the marks of Markdown: `code` and [text](link).
std::string plain(std::string_view text) {
  std::string out;
  bool link = false;
  for (std::size_t i = 0; i < text.size(); i++) {
    if (text.substr(i).starts_with("](")) link = true;
    if (!link && text[i] != '`' && text[i] != '[') out += text[i];
    if (link && text[i] == ')') link = false;
  }
  return out;
}

// What is an argument of a macro is quoted, else a "." of its own would end the sentence there.
std::string as_argument(std::string_view text) {
  std::string out = "\"";
  for (const char c : escaped(text)) out += c == '"' ? std::string("\\(dq") : std::string(1, c);
  return out + "\"";
}

std::string sentence(std::string_view text) {
  std::string line = escaped(text);
  if (line.empty()) return line;
  if (!line.ends_with('.') && !line.ends_with(':')) line += '.';
  return line + "\n";
}

std::string head(std::string_view name, int section, std::string_view about) {
  return fmt::format(
      ".\\\" Made by packaging/manual.cpp.\n.Dd $Mdocdate$\n.Dt {0} {1}\n.Os Floodwall\n"
      ".Sh NAME\n.Nm {2}\n.Nd {3}\n",
      [&] {
        std::string upper(name);
        for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
        return upper;
      }(),
      section, name, about);
}

std::string options_text(std::span<const cli::Option> options) {
  std::string out = ".Bl -tag -width Ds\n";
  for (const cli::Option& option : options)
    out += fmt::format(
        ".It Fl \\-{}{}\n{}", escaped(option.name),
        option.value.empty() ? "" : fmt::format(" Ns = Ns Ar {}", as_argument(option.value)),
        sentence(option.help));
  return out + ".El\n";
}

std::string command_text(const cli::Command& command) {
  const control::Verb& verb = command.syntax;
  std::string out = fmt::format(".It Cm {}", verb.name);
  if (!verb.argument.empty()) {
    const std::string argument =
        fmt::format("Ar {}{}", verb.argument, verb.at_most > 1 ? " ..." : "");
    out += verb.at_least == 0 ? fmt::format(" Op {}", argument) : fmt::format(" {}", argument);
  }
  out += "\n" + sentence(verb.summary);
  if (!verb.choices.empty())
    out += fmt::format("One of {}.\n", escaped(fmt::format("{}", fmt::join(verb.choices, ", "))));
  if (!command.notes.empty()) out += sentence(command.notes);
  if (!verb.options.empty()) out += options_text(verb.options);
  return out;
}

std::string commands_page() {
  std::string out = head("floodwall", 8, "a firewall for a host that is being flooded");
  out +=
      ".Sh SYNOPSIS\n.Nm\n.Op Fl \\-json\n.Op Fl \\-socket Ns = Ns Ar PATH\n.Ar command\n"
      ".Op Ar argument ...\n.Sh DESCRIPTION\n"
      ".Nm\ntalks to\n.Xr floodwalld 8 ,\nwhich keeps the programs in the kernel that judge every "
      "packet.\nRoot and the group floodwall may use it.\n.Sh COMMANDS\n";
  std::string_view group;
  for (const cli::Command& command : cli::kCommands) {
    if (command.group != group) {
      if (!group.empty()) out += ".El\n";
      group = command.group;
      out += fmt::format(".Ss {}\n.Bl -tag -width Ds\n", group);
    }
    out += command_text(command);
  }
  return out + ".El\n.Sh OPTIONS\n" + options_text(cli::kGlobalOptions) +
         ".Sh FILES\n.Bl -tag -width Ds\n"
         ".It Pa /etc/floodwall/floodwall.toml\nthe configuration,\n.Xr floodwall.toml 5 .\n"
         ".It Pa /var/log/floodwall/floodwall.log\nwhat happened, a line each; events.json is the "
         "same for programs.\n"
         ".It Pa /run/floodwall/floodwall.sock\nwhere the daemon listens.\n.El\n"
         ".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n"
         ".It 0\ndone\n.It 1\nfailed\n.It 2\nwrong usage\n.It 3\nthe daemon does not run\n"
         ".It 4\nnot permitted\n.It 5\nrefused by a safety guard\n.It 6\nthe configuration is "
         "invalid\n.El\n"
         ".Sh EXAMPLES\nWhat goes on, and what becomes of an address:\n.Bd -literal -offset "
         "indent\n"
         "floodwall status\nfloodwall why 203.0.113.5\n.Ed\n.Pp\n"
         "Keep one off for an hour:\n.Bd -literal -offset indent\n"
         "floodwall ban 203.0.113.5 \\-\\-for 1h\n.Ed\n.Pp\n"
         "In an emergency, take everything off every interface:\n.Bd -literal -offset indent\n"
         "floodwall mode off\n.Ed\n"
         ".Sh SEE ALSO\n.Xr floodwall.toml 5 ,\n.Xr floodwall-events 7 ,\n.Xr floodwalld 8\n";
}

template <typename Record>
std::string keys_text(std::string_view title, const config::KeyGroup<Record>& group) {
  std::string out = fmt::format(".Ss {}\n", escaped(title)) + sentence(group.about);
  out += ".Bl -tag -width Ds\n";
  for (const config::Key<Record>& key : group.keys) {
    out += fmt::format(".It Va {}\n", escaped(key.name)) + sentence(key.about);
    if (!key.detail.empty()) out += sentence(plain(key.detail));
    out += fmt::format("Values: {}.\n", escaped(range_text(key, false)));
    if (const std::string value = toml_text(key, Record{}); key.needed.empty() && !value.empty())
      out += fmt::format("Default:\n.Li {} .\n", as_argument(value));
    if (key.effect == config::Effect::at_start) out += "A change needs a restart.\n";
  }
  return out + ".El\n";
}

std::string configuration_page() {
  std::string out = head("floodwall.toml", 5, "configuration of floodwalld");
  out +=
      ".Sh SYNOPSIS\n.Pa /etc/floodwall/floodwall.toml\n.Sh DESCRIPTION\n"
      "A file in TOML.\nAfter a change,\n.Ql floodwall check\nsays what is wrong and\n"
      ".Ql floodwall apply\nputs it in force.\nWhatever is left out has its default.\n"
      ".Sh KEYS\n";
  out += keys_text("Top level", config::kTop);
  out += keys_text("[limit.default]", config::kLimitDefault);
  out += keys_text("[limit.prefix]", config::kLimitPrefix);
  out += keys_text("[budget.CLASS]", config::kBudget);
  out += keys_text("[[service]]", config::kService);
  config::for_each_plain_group(
      [&](const auto& group, auto) { out += keys_text(fmt::format("[{}]", group.path), group); });
  out += keys_text("[[alert]]", config::kAlert);
  return out + ".Sh SEE ALSO\n.Xr floodwall 8 ,\n.Xr floodwalld 8\n";
}

struct EventRow {
  std::string_view word, level, fields, about;
};
constexpr EventRow kEvents[] = {
#define FW_ROW(name, word, level, fields, about) {word, #level, fields, about},
    FW_EVENT_TYPES(FW_ROW)
#undef FW_ROW
};
struct FieldRow {
  std::string_view key, about;
};
constexpr FieldRow kFields[] = {
#define FW_ROW(key, about) {key, about},
    FW_EVENT_FIELDS(FW_ROW)
#undef FW_ROW
};

std::string events_page() {
  std::string out = head("floodwall-events", 7, "what floodwalld writes into its log");
  out +=
      ".Sh DESCRIPTION\n.Ql floodwall events\nshows what happened.\nThe files\n"
      ".Pa /var/log/floodwall/floodwall.log\nand\n.Pa events.json\nbeside it have the same, a "
      "line each: the time, the level, the type, the address that it is about, and the fields.\n"
      "A field with nothing to say is left out.\n.Sh EVENTS\n.Bl -tag -width Ds\n";
  for (const EventRow& event : kEvents) {
    out += fmt::format(".It Sy {} Pq {}\n", event.word, event.level) + sentence(event.about);
    if (event.fields == "REASONS")
      out += "Fields: every reason for which packets are dropped.\n";
    else if (!event.fields.empty())
      out += fmt::format("Fields: {}.\n", escaped(event.fields));
  }
  out += ".El\n.Sh FIELDS\n.Bl -tag -width Ds\n";
  for (const FieldRow& field : kFields)
    out += fmt::format(".It Va {}\n", field.key) + sentence(field.about);
  return out + ".El\n.Sh SEE ALSO\n.Xr floodwall 8 ,\n.Xr floodwalld 8\n";
}

Result<void> write_all(const std::filesystem::path& folder) {
  if (auto page = write_file(folder / "floodwall.8", commands_page()); !page) return page;
  if (auto page = write_file(folder / "floodwall.toml.5", configuration_page()); !page) return page;
  if (auto page = write_file(folder / "floodwall-events.7", events_page()); !page) return page;
  const std::filesystem::path etc = folder / "etc";
  std::error_code error;
  std::filesystem::remove_all(etc, error);  // setup overwrites nothing
  const auto written = setup::write_configuration(
      etc / "floodwall.toml", config::starter_text({"auto"}, config::Mode::enforce));
  if (!written) return std::unexpected(written.error());
  return {};
}

}  // namespace
}  // namespace fw

int main(int argc, char** argv) {
  try {
    if (argc != 2) {
      fmt::print(stderr, "usage: manual FOLDER\n");
      return 2;
    }
    const auto written = fw::write_all(argv[1]);
    if (!written) fmt::print(stderr, "manual: {}\n", written.error().message);
    return written ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "manual: {}\n", error.what());
    return 1;
  }
}
