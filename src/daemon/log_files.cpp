// SPDX-License-Identifier: MIT
#include "daemon/log_files.hpp"

#include <fmt/format.h>

#include <string_view>

namespace fw::daemon {
namespace {

constexpr const char* kJournal = "/run/systemd/journal/socket";

RotatingFile file_in(const config::Log& settings, std::string_view name) {
  return {settings.folder / name, {.rotate_bytes = settings.rotate_bytes, .keep = settings.keep}};
}

// syslog(3)
int priority(engine::Level level) {
  switch (level) {
    case engine::Level::error:
      return 3;
    case engine::Level::warning:
      return 4;
    case engine::Level::notice:
      return 5;
    case engine::Level::info:
      return 6;
  }
  return 6;
}

}  // namespace

LogFiles::LogFiles(const config::Log& settings)
    : text_(file_in(settings, "floodwall.log")), json_(file_in(settings, "events.json")) {
  if (settings.journal) journal_.emplace(kJournal);
}

void LogFiles::configure(const config::Log& settings) {
  text_ = file_in(settings, "floodwall.log");
  json_ = file_in(settings, "events.json");
  journal_.reset();
  if (settings.journal) journal_.emplace(kJournal);
}

void LogFiles::write(const engine::Event& event) {
  const Result<void> text = text_.append(engine::to_text(event));
  const Result<void> json = json_.append(engine::to_json_line(event));
  count(text ? json : text);
  in_journal_ = journal_ && journal_->send(journal_entry(event));
}

void LogFiles::count(const Result<void>& written) {
  if (written) {
    error_.clear();
    lost_lines_ = 0;
    return;
  }
  error_ = written.error().message;
  ++lost_lines_;
}

std::optional<std::string> LogFiles::problem() const {
  if (error_.empty()) return std::nullopt;
  return fmt::format(
      "the log is not written: {}; {} event{} lost from it so far (floodwall events "
      "still shows them)",
      error_, lost_lines_, lost_lines_ == 1 ? "" : "s");
}

std::string log_message(const engine::Event& event) {
  const std::string line = engine::to_text(event);  // without a line feed
  return line.substr(line.find(' ') + 1);
}

std::string journal_entry(const engine::Event& event) {
  return fmt::format("MESSAGE={}\nPRIORITY={}\nSYSLOG_IDENTIFIER=floodwalld\n", log_message(event),
                     priority(engine::level_of(event.type)));
}

}  // namespace fw::daemon
