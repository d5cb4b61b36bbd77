// SPDX-License-Identifier: MIT
// The scripts. They know words only: an address is never completed.
#include "cli/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "cli/parse.hpp"

namespace fw::cli {

namespace {

using control::Option;

// What online and offline verbs have in common.
struct Entry {
  std::string_view name, summary, argument;
  std::span<const std::string_view> choices;
  std::vector<Option> options;
};

std::vector<Entry> entries(std::span<const OfflineVerb> offline) {
  std::vector<Entry> all;
  for (const control::Verb& verb : control::kVerbs) {
    if (is_replaced(verb, offline)) continue;
    all.push_back({verb.name,
                   verb.summary,
                   verb.argument,
                   verb.choices,
                   {verb.options.begin(), verb.options.end()}});
    if (verb.name == kFollowingVerb) all.back().options.push_back(kFollow);
  }
  for (const OfflineVerb& verb : offline)
    all.push_back({verb.name,
                   verb.summary,
                   "argument",
                   verb.choices,
                   {verb.options.begin(), verb.options.end()}});
  for (Entry& entry : all)
    entry.options.insert(entry.options.end(), kGlobalOptions.begin(), kGlobalOptions.end());
  return all;
}

// In single quotes for a shell.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string words_of(const Entry& entry) {
  std::vector<std::string> words(entry.choices.begin(), entry.choices.end());
  for (const Option& option : entry.options) words.push_back(fmt::format("--{}", option.name));
  return fmt::format("{}", fmt::join(words, " "));
}

std::string bash(const std::vector<Entry>& all) {
  std::vector<std::string> names, valued;
  std::string cases;
  for (const Entry& entry : all) {
    names.emplace_back(entry.name);
    for (const Option& option : entry.options)
      if (!option.value.empty() && option.value != "PATH" && option.value != "FILE")
        valued.push_back(fmt::format("--{}", option.name));
    cases += fmt::format("    {}) words='{}'{} ;;\n", entry.name, words_of(entry),
                         entry.argument == "file" ? "; files=1" : "");
  }
  std::ranges::sort(valued);
  valued.erase(std::ranges::unique(valued).begin(), valued.end());
  return fmt::format(
      R"(# bash completion of floodwall; load it with: source <(floodwall completion bash)
_floodwall() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} verb= words= files= i
  case $prev in
    {}) return ;;
    --socket|--config|--interface) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
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
      fmt::join(valued, "|"), fmt::join(names, " "), cases);
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
    spec += fmt::format(":{}:{}", option.value,
                        option.value == "PATH" || option.value == "FILE" ? "_files" : "");
  return in_quotes(spec);
}

std::string zsh(const std::vector<Entry>& all) {
  std::string verbs, cases;
  for (const Entry& entry : all) {
    verbs += fmt::format("    {}\n",
                         in_quotes(fmt::format("{}:{}", entry.name, escaped(entry.summary))));
    cases += fmt::format("        {}) _arguments", entry.name);
    for (const Option& option : entry.options) cases += " " + zsh_option(option);
    if (!entry.choices.empty())
      cases += fmt::format(" '*:{}:({})'", entry.argument, fmt::join(entry.choices, " "));
    else if (entry.argument == "file")
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
  const bool file = option.value == "PATH" || option.value == "FILE";
  return fmt::format("complete -c floodwall{} -l {}{} -d {}\n", condition, option.name,
                     option.value.empty() ? "" : (file ? " -r -F" : " -x"), in_quotes(option.help));
}

std::string fish(const std::vector<Entry>& all) {
  std::string out =
      "# fish completion of floodwall; load it with: floodwall completion fish | source\n"
      "complete -c floodwall -f\n"
      "complete -c floodwall -n __fish_use_subcommand -l version -d 'print the version'\n";
  for (const Option& option : kGlobalOptions) out += fish_option("", option);
  for (const Entry& entry : all) {
    out += fmt::format("complete -c floodwall -n __fish_use_subcommand -a {} -d {}\n", entry.name,
                       in_quotes(entry.summary));
    const std::string condition = fmt::format(" -n '__fish_seen_subcommand_from {}'", entry.name);
    if (!entry.choices.empty())
      out += fmt::format("complete -c floodwall{} -a {}\n", condition,
                         in_quotes(fmt::format("{}", fmt::join(entry.choices, " "))));
    if (entry.argument == "file") out += fmt::format("complete -c floodwall{} -F\n", condition);
    for (const Option& option : entry.options)
      if (std::ranges::find(kGlobalOptions, option.name, &Option::name) == kGlobalOptions.end())
        out += fish_option(condition, option);
  }
  return out;
}

}  // namespace

std::optional<std::string> completion(std::string_view shell,
                                      std::span<const OfflineVerb> offline) {
  const std::vector<Entry> all = entries(offline);
  if (shell == "bash") return bash(all);
  if (shell == "zsh") return zsh(all);
  if (shell == "fish") return fish(all);
  return std::nullopt;
}

}  // namespace fw::cli
