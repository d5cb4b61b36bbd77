// SPDX-License-Identifier: MIT
#include "daemon/kept_config.hpp"

#include <fmt/format.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/file.hpp"
#include "base/now.hpp"

namespace fw::daemon {
namespace {

using Json = nlohmann::json;

Json to_json(const std::optional<config::Source>& source) {
  if (!source) return nullptr;
  Json files = Json::array();
  for (const config::Source::File& file : source->files)
    files.push_back({{"name", file.name}, {"text", file.text}});
  return files;
}

// Throws Json::exception on anything but what to_json() made.
std::optional<config::Source> source_from(const Json& json) {
  if (json.is_null()) return std::nullopt;
  config::Source source;
  for (const Json& file : json)
    source.files.push_back(
        {.name = file.at("name").get<std::string>(), .text = file.at("text").get<std::string>()});
  return source;
}

}  // namespace

BootTime read_boot_time() {
  timespec time{};
  (void)::clock_gettime(CLOCK_BOOTTIME, &time);
  return {.boot = read_file("/proc/sys/kernel/random/boot_id", 64).value_or(""),
          .ns = static_cast<std::uint64_t>(time.tv_sec) * kSecond +
                static_cast<std::uint64_t>(time.tv_nsec)};
}

Result<void> KeptConfig::restore() {
  std::error_code unknown;
  if (!std::filesystem::exists(file_, unknown) && !unknown) return {};
  const Result<std::string> text = read_file(file_);
  if (!text) return std::unexpected(text.error());
  try {
    const Json json = Json::parse(*text);
    std::optional<Pending> pending;
    if (const Json& from = json.at("pending"); !from.is_null())
      pending = Pending{.former = source_from(from.at("former")).value_or(config::Source{}),
                        .deadline = {.boot = from.at("boot").get<std::string>(),
                                     .ns = from.at("deadline_ns").get<std::uint64_t>()},
                        .wall = std::chrono::system_clock::time_point(
                            std::chrono::seconds(from.at("deadline_unix").get<std::int64_t>()))};
    auto in_force = source_from(json.at("in_force"));
    auto rejected = source_from(json.at("rejected"));
    in_force_ = std::move(in_force);
    rejected_ = std::move(rejected);
    pending_ = std::move(pending);
  } catch (const Json::exception& error) {
    return fail(fmt::format("{}: damaged ({}): which configuration was in force is not known",
                            file_.native(), error.what()));
  }
  return {};
}

bool KeptConfig::is_due(const BootTime& now) const {
  return pending_ && (pending_->deadline.boot != now.boot || pending_->deadline.ns <= now.ns);
}

Result<void> KeptConfig::begin(const config::Source& source, Pending pending) {
  if (pending_) pending.former = std::move(pending_->former);
  in_force_ = source;
  rejected_.reset();
  pending_ = std::move(pending);
  return write();
}

Result<void> KeptConfig::settle(const config::Source& source) {
  if (in_force_ == source && !pending_ && !rejected_) return {};
  in_force_ = source;
  rejected_.reset();
  pending_.reset();
  return write();
}

Result<void> KeptConfig::revert() {
  rejected_ = std::move(in_force_);
  in_force_ = std::move(pending_->former);
  pending_.reset();
  return write();
}

Result<void> KeptConfig::reject(const config::Source& source) {
  rejected_ = source;
  return write();
}

Result<void> KeptConfig::write() const {
  Json json = {
      {"in_force", to_json(in_force_)}, {"rejected", to_json(rejected_)}, {"pending", nullptr}};
  if (pending_)
    json["pending"] = {{"former", to_json(pending_->former)},
                       {"boot", pending_->deadline.boot},
                       {"deadline_ns", pending_->deadline.ns},
                       {"deadline_unix", std::chrono::duration_cast<std::chrono::seconds>(
                                             pending_->wall.time_since_epoch())
                                             .count()}};
  std::error_code ignored;  // then writing fails, and says why
  std::filesystem::create_directories(file_.parent_path(), ignored);
  // Invalid UTF-8 was no valid TOML, so there is none.
  return write_file(file_, json.dump(1, ' ', false, Json::error_handler_t::replace), 0600);
}

}  // namespace fw::daemon
