// SPDX-License-Identifier: MIT
#include "doctor/doctor.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "doctor/checks.hpp"
#include "doctor/gather.hpp"
#include "floodwall/local.hpp"

namespace fw {

Result<int> run_doctor(const cli::CommandLine& line, cli::World& world) {
  const std::string threshold = line.option("fail-on").value_or("warning");
  if (threshold != "warning" && threshold != "problem")
    return fail(ErrorKind::usage, "--fail-on " + threshold + ": must be warning or problem");
  doctor::Places places;
  if (const auto file = line.option("config")) {
    std::error_code error;
    places.config = std::filesystem::absolute(*file, error);
    if (error) places.config = *file;
  }
  const auto status = world.call(line.socket, "status", nlohmann::json::object());
  const doctor::Facts facts = doctor::gather(places, doctor::daemon_facts(status));
  const doctor::Findings findings = doctor::examine(facts);
  world.out << (line.json ? cli::json_text(doctor::as_json(findings, facts.unseen))
                          : doctor::render(findings, facts.unseen, line.flag("all"), world.style))
            << std::flush;
  if (!world.out) return fail("standard output: cannot be written");
  const auto from = threshold == "problem" ? doctor::Severity::problem : doctor::Severity::warning;
  return doctor::worst(findings) >= from ? static_cast<int>(ErrorKind::failed) : 0;
}

}  // namespace fw
