// SPDX-License-Identifier: MIT
#include "cli/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "cli/command_table.hpp"

namespace fw::cli {

namespace {

bool is_file(const Option& option) {
  return option.value == "PATH" || option.value == "FILE";
}

// Of the command itself, and those of all commands that it understands too.
std::vector<Option> options_of(const Command& command) {
  std::vector<Option> options(command.syntax.options.begin(), command.syntax.options.end());
  for (const Option& option : kGlobalOptions)
    if (option.name != "socket" || command.asks != nullptr) options.push_back(option);
  return options;
}

// In single quotes for a shell.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string words_of(const Command& command) {
  const auto choices = command.syntax.choices;
  std::vector<std::string> words(choices.begin(), choices.end());
  for (const Option& option : options_of(command))
    words.push_back(fmt::format("--{}", option.name));
  return fmt::format("{}", fmt::join(words, " "));
}

// `words`, each once and sorted, as the alternatives of a case.
std::string alternatives(std::vector<std::string> words) {
  std::ranges::sort(words);
  words.erase(std::ranges::unique(words).begin(), words.end());
  return fmt::format("{}", fmt::join(words, "|"));
}

std::string bash() {
  std::vector<std::string> names, valued, files;
  std::string cases;
  for (const Command& command : kCommands) {
    names.emplace_back(command.syntax.name);
    for (const Option& option : options_of(command))
      if (!option.value.empty())
        (is_file(option) ? files : valued).push_back(fmt::format("--{}", option.name));
    cases += fmt::format("    {}) words='{}'{} ;;\n", command.syntax.name, words_of(command),
                         command.syntax.argument == "file" ? "; files=1" : "");
  }
  return fmt::format(
      R"(# bash completion of floodwall; load it with: source <(floodwall completion bash)
_floodwall() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} verb= words= files= i
  case $prev in
    {}) return ;;
    {}) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      --socket) ((i++)) ;;
      -*) ;;
      *) verb=${{COMP_WORDS[i]}}; break ;;
    esac
  done
  case $verb in
    '') words='{} --version --json --socket --help' ;;
{}    *) return ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"; [ -z "$files" ] || compgen -f -- "$cur")
}}
complete -F _floodwall floodwall
)",
      alternatives(valued), alternatives(files), fmt::join(names, " "), cases);
}

// A bracket would end the description, a colon the field.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_option(const Option& option) {
  std::string spec = fmt::format("--{}[{}]", option.name, escaped(option.help));
  if (!option.value.empty())
    spec += fmt::format(":{}:{}", option.value, is_file(option) ? "_files" : "");
  return in_quotes(spec);
}

std::string zsh() {
  std::string verbs, cases;
  for (const Command& command : kCommands) {
    const control::Verb& syntax = command.syntax;
    verbs += fmt::format("    {}\n",
                         in_quotes(fmt::format("{}:{}", syntax.name, escaped(syntax.summary))));
    cases += fmt::format("        {}) _arguments", syntax.name);
    for (const Option& option : options_of(command)) cases += " " + zsh_option(option);
    if (!syntax.choices.empty())
      cases += fmt::format(" '*:{}:({})'", syntax.argument, fmt::join(syntax.choices, " "));
    else if (syntax.argument == "file")
      cases += " '*:file:_files'";
    cases += " ;;\n";
  }
  return fmt::format(R"(#compdef floodwall
# zsh completion of floodwall; put it into a folder of $fpath as _floodwall
_floodwall() {{
  local curcontext=$curcontext state line
  typeset -A opt_args
  local -a verbs
  verbs=(
{}  )
  _arguments -C {} {} {} '--version[print the version]' '1:command:->verb' '*::argument:->rest'
  case $state in
    verb) _describe command verbs ;;
    rest)
      case $words[1] in
{}      esac ;;
  esac
}}
if [ "$funcstack[1]" = _floodwall ]; then _floodwall "$@"; else compdef _floodwall floodwall; fi
)",
                     verbs, zsh_option(kGlobalOptions[0]), zsh_option(kGlobalOptions[1]),
                     zsh_option(kGlobalOptions[2]), cases);
}

std::string fish_option(std::string_view condition, const Option& option) {
  const std::string_view value = option.value.empty() ? "" : is_file(option) ? " -r -F" : " -x";
  return fmt::format("complete -c floodwall{} -l {}{} -d {}\n", condition, option.name, value,
                     in_quotes(option.help));
}

std::string fish() {
  std::string out =
      "# fish completion of floodwall; load it with: floodwall completion fish | source\n"
      "complete -c floodwall -f\n"
      "complete -c floodwall -n __fish_use_subcommand -l version -d 'print the version'\n";
  for (const Option& option : kGlobalOptions) out += fish_option("", option);
  for (const Command& command : kCommands) {
    const control::Verb& syntax = command.syntax;
    out += fmt::format("complete -c floodwall -n __fish_use_subcommand -a {} -d {}\n", syntax.name,
                       in_quotes(syntax.summary));
    const std::string condition = fmt::format(" -n '__fish_seen_subcommand_from {}'", syntax.name);
    if (!syntax.choices.empty())
      out += fmt::format("complete -c floodwall{} -a {}\n", condition,
                         in_quotes(fmt::format("{}", fmt::join(syntax.choices, " "))));
    if (syntax.argument == "file") out += fmt::format("complete -c floodwall{} -F\n", condition);
    for (const Option& option : syntax.options) out += fish_option(condition, option);
  }
  return out;
}

}  // namespace

std::optional<std::string> completion(std::string_view shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  if (shell == "fish") return fish();
  return std::nullopt;
}

}  // namespace fw::cli
