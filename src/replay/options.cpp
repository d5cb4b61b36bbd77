// SPDX-License-Identifier: MIT
// The only file of replay that sees CLI11, which reports by exceptions.
#include "replay/options.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "control/nearest.hpp"

namespace fw::replay {
namespace {

constexpr std::string_view kFooter =
    "\nJudges a capture (pcap or pcapng, also gzip-compressed; - is standard input) as floodwalld\n"
    "would have, on the capture's own clock. Touches nothing and needs no privilege.\n\n"
    "Exit status: 0 ok, 1 the file is damaged or no capture, 2 usage, 6 configuration invalid.";

constexpr std::string_view kSuggestFooter =
    "\nWithout FILE: from the peace that floodwalld saw since it first started. With a capture of "
    "a\n"
    "time without attacks: from that, which needs neither privilege nor daemon. The fragment goes "
    "to\n"
    "a file in conf.d beside floodwall.toml; floodwall check looks at it, floodwall apply uses it.";

Result<std::vector<Address>> parse_protect(const std::vector<std::string>& words) {
  std::vector<Address> addresses;
  for (const std::string& word : words) {
    Result<Address> address = Address::parse(word);
    if (!address) return fail(ErrorKind::usage, "--protect: " + address.error().message);
    if (std::ranges::find(addresses, *address) == addresses.end()) addresses.push_back(*address);
  }
  std::ranges::sort(addresses);
  return addresses;
}

Result<void> check_profile(const std::string& profile) {
  if (std::ranges::find(kProfiles, profile) != kProfiles.end()) return {};
  return fail(ErrorKind::usage, fmt::format("--profile: no profile \"{}\"{}", profile,
                                            control::did_you_mean(profile, kProfiles)));
}

}  // namespace

Result<Options> parse_options(std::span<const std::string> arguments) {
  Options options;
  std::vector<std::string> protect;
  std::string config, verdicts;
  try {
    CLI::App app{"Says what Floodwall would have done with the packets of a capture.",
                 "floodwall replay"};
    bool json = false;  // was taken off by the command line; it is here for --help
    app.add_flag("--json", json, "print the summary as JSON");
    app.footer(std::string(kFooter));
    app.add_option("FILE", options.file, "the capture")->required()->type_name("");
    std::string* const targets[] = {&config, &options.profile, &verdicts};
    app.add_option("--protect", protect, std::string(kOptions[0].help))
        ->required()
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name(std::string(kOptions[0].value));
    for (std::size_t i = 1; i < kOptions.size(); ++i)
      app.add_option("--" + std::string(kOptions[i].name), *targets[i - 1],
                     std::string(kOptions[i].help))
          ->type_name(std::string(kOptions[i].value));
    try {
      // CLI11 takes the arguments from the back.
      app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::CallForHelp&) {
      options.help = app.help();
      return options;
    }
  } catch (const CLI::Error& error) {
    return fail(ErrorKind::usage, fmt::format("{}; see floodwall replay --help", error.what()));
  }
  Result<std::vector<Address>> addresses = parse_protect(protect);
  if (!addresses) return std::unexpected(addresses.error());
  if (Result<void> known = check_profile(options.profile); !known)
    return std::unexpected(known.error());
  options.protect = std::move(*addresses);
  if (!config.empty()) options.config = config;
  if (!verdicts.empty()) options.verdicts = verdicts;
  return options;
}

Result<Options> parse_suggest_options(std::span<const std::string> arguments) {
  Options options;
  std::vector<std::string> protect;
  std::string config;
  try {
    CLI::App app{"Budgets for floodwall.toml, from what is usual here or in a capture.",
                 "floodwall suggest"};
    bool json = false;  // as above
    app.add_flag("--json", json, "print the fragment as a member of a JSON object");
    app.footer(std::string(kSuggestFooter));
    auto* const addresses = app.add_option("--protect", protect, std::string(kOptions[0].help));
    addresses->delimiter(',')->allow_extra_args(false)->type_name(std::string(kOptions[0].value));
    auto* const file = app.add_option("FILE", options.file, "a capture of ordinary traffic");
    file->type_name("")->needs(addresses);
    addresses->needs(file);
    app.add_option("--config", config, "a floodwall.toml to compare with; else the defaults")
        ->type_name(std::string(kOptions[1].value))
        ->needs(file);
    try {
      app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::CallForHelp&) {
      options.help = app.help();
      return options;
    }
  } catch (const CLI::Error& error) {
    return fail(ErrorKind::usage, fmt::format("{}; see floodwall suggest --help", error.what()));
  }
  Result<std::vector<Address>> addresses = parse_protect(protect);
  if (!addresses) return std::unexpected(addresses.error());
  options.protect = std::move(*addresses);
  if (!config.empty()) options.config = config;
  return options;
}

}  // namespace fw::replay
