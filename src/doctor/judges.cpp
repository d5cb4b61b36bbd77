// SPDX-License-Identifier: MIT
#include "doctor/judges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fw::doctor {

std::optional<std::uint64_t> sysctl(const Facts& facts, const std::string& name) {
  const auto found = facts.machine.sysctls.find(name);
  if (found == facts.machine.sysctls.end()) return std::nullopt;
  std::uint64_t value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string set_sysctl(std::string_view name, std::uint64_t value) {
  constexpr std::string_view kFile = "/etc/sysctl.d/90-floodwall.conf";
  return fmt::format("echo '{} = {}' | sudo tee -a {} && sudo sysctl -p {}", name, value, kFile,
                     kFile);
}

std::string write_config(const Facts& facts, std::string_view name, std::string_view toml) {
  const std::string folder = facts.config.file.parent_path().native() + "/conf.d";
  return fmt::format("sudo mkdir -p {0} && printf '{1}\\n' | sudo tee {0}/{2}.toml", folder, toml,
                     name);
}

// Separated by semicolons: whatever becomes of the command, the host is protected afterwards.
std::string reattached(const Facts& facts, std::string_view command) {
  return fmt::format("sudo floodwall mode off; {}; sudo floodwall mode {}", command,
                     facts.daemon.mode == "observe" ? "observe" : "enforce");
}

const DaemonFacts::Interface* status_of(const Facts& facts, std::string_view interface) {
  const auto& all = facts.daemon.interfaces;
  const auto found = std::ranges::find(all, interface, &DaemonFacts::Interface::name);
  return found == all.end() ? nullptr : &*found;
}

const host::BpfProgram* xdp_on(const Facts& facts, std::string_view interface) {
  if (!facts.programs) return nullptr;
  for (const host::BpfProgram& one : *facts.programs)
    if (one.is_xdp() && one.interface == interface) return &one;
  return nullptr;
}

}  // namespace fw::doctor
