// SPDX-License-Identifier: MIT
// The functions behind the table of checks (checks.hpp), by theme, and what they share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "doctor/facts.hpp"
#include "doctor/report.hpp"

namespace fw::doctor {

// judge_kernel.cpp
void judge_kernel(const Facts& facts, Report& report);
void judge_jit(const Facts& facts, Report& report);
void judge_clock_source(const Facts& facts, Report& report);
void judge_clock(const Facts& facts, Report& report);
void judge_disk(const Facts& facts, Report& report);
void judge_container(const Facts& facts, Report& report);

// judge_daemon.cpp
void judge_daemon(const Facts& facts, Report& report);
void judge_service(const Facts& facts, Report& report);
void judge_config(const Facts& facts, Report& report);
void judge_mode(const Facts& facts, Report& report);
void judge_degraded(const Facts& facts, Report& report);
void judge_tables(const Facts& facts, Report& report);

// judge_uplinks.cpp
void judge_uplinks(const Facts& facts, Report& report);
void judge_xdp(const Facts& facts, Report& report);
void judge_vlan(const Facts& facts, Report& report);

// judge_queues.cpp
void judge_queues(const Facts& facts, Report& report);
void judge_ring(const Facts& facts, Report& report);

// judge_neighbours.cpp
void judge_foreign(const Facts& facts, Report& report);
void judge_firewalls(const Facts& facts, Report& report);
void judge_forwarding(const Facts& facts, Report& report);
void judge_proxy(const Facts& facts, Report& report);

// judge_settings.cpp
void judge_syncookies(const Facts& facts, Report& report);
void judge_conntrack(const Facts& facts, Report& report);
void judge_backlogs(const Facts& facts, Report& report);
void judge_udp_buffers(const Facts& facts, Report& report);
void judge_reverse_path(const Facts& facts, Report& report);

// The value of a setting as a number; none: not seen, or no number.
[[nodiscard]] std::optional<std::uint64_t> sysctl(const Facts& facts, const std::string& name);
// Sets it now and after each boot.
[[nodiscard]] std::string set_sysctl(std::string_view name, std::uint64_t value);
// Writes conf.d/NAME.toml, which overrides floodwall.toml; `toml` as printf(1) takes it.
[[nodiscard]] std::string write_config(const Facts& facts, std::string_view name,
                                       std::string_view toml);

// Takes the programs off, does `command`, and attaches them again in the same mode. A change of the
// driver alone leaves a generic program generic, and some drivers refuse it below a native one.
[[nodiscard]] std::string reattached(const Facts& facts, std::string_view command);

// What `status` says of an interface, null if nothing.
[[nodiscard]] const DaemonFacts::Interface* status_of(const Facts& facts,
                                                      std::string_view interface);
// The XDP program on an interface, null if there is none or none was seen.
[[nodiscard]] const host::BpfProgram* xdp_on(const Facts& facts, std::string_view interface);

}  // namespace fw::doctor
