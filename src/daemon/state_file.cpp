// SPDX-License-Identifier: MIT
#include "daemon/state_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "base/file.hpp"

namespace fw::daemon {
namespace {

constexpr std::string_view kLife = "life";
constexpr std::string_view kStopped = "stopped";
constexpr std::string_view kRunning = "running";

const std::string* text_of(const KeptRows& rows, std::string_view name) {
  const auto row = std::ranges::find(rows, name, &KeptRow::name);
  return row == rows.end() || !row->text ? nullptr : &*row->text;
}

// A name of this start of the machine; empty if the kernel tells none.
std::string boot_id() {
  auto id = read_file("/proc/sys/kernel/random/boot_id", 64);
  if (!id) return "";
  id->erase(std::min(id->find('\n'), id->size()));
  return std::move(*id);
}

}  // namespace

StateFile::StateFile(std::filesystem::path file) : file_(std::move(file)) {
  auto opened = store::Store::open(file_);
  std::optional<store::Store> store;
  if (opened) {
    if (!opened->set_aside.empty()) {
      lost_ = fmt::format("{} was damaged: it is set aside as {}, and written anew", file_.native(),
                          opened->set_aside.native());
      numbers_lost_ = true;
    }
    rows_ = std::move(opened->rows);
    store.emplace(std::move(opened->store));
  } else {
    problem_ = "what the last daemon believed is not known: " + opened.error().message;
    numbers_lost_ = true;
  }
  if (const std::string* life = text_of(rows_, kLife))
    last_life_ = *life == kStopped ? "stopped" : "killed";
  writer_.emplace(file_, std::move(store));
}

void StateFile::restore_baseline(engine::Engine& engine) {
  const std::string* text = text_of(rows_, "baseline");
  if (text == nullptr) return;
  if (const Result<void> restored = engine.restore_baseline(*text); !restored)
    baseline_problem_ = fmt::format("what was learned is not known: {}: {}", file_.native(),
                                    restored.error().message);
}

void StateFile::restore(engine::Engine& engine, const Now& now) {
  engine.restore(std::exchange(rows_, {}), boot_id(), numbers_lost_, now);
  read_report(engine, now);
}

void StateFile::read_report(engine::Engine& engine, const Now& now) {
  StateWriter::Report report = writer_->report();
  if (!report.lost.empty()) {
    lost_ = std::move(report.lost);
    engine.write_all();
    said_running_ = false;
  }
  problem_ = report.problem.empty() ? baseline_problem_ : std::move(report.problem);
  if (lost_.empty()) return;
  engine.journal().write(engine::EventType::state_lost, now, [&] {
    return engine::EventDetails{"", {engine::Field::text("what", std::exchange(lost_, {}))}};
  });
}

void StateFile::tick(engine::Engine& engine, const Now& now) {
  if (now.mono_ns < due_ns_) return;
  read_report(engine, now);
  if (!writer_->is_idle()) return;
  KeptRows rows = engine.take_changes(kRowsPerTick, false, now);
  if (!std::exchange(said_running_, true))
    rows.push_back({std::string(kLife), std::string(kRunning)});
  if (!rows.empty()) writer_->put(std::move(rows));
  due_ns_ = engine.has_more_changes() ? now.mono_ns : now.mono_ns + kEveryNs;
}

void StateFile::finish(engine::Engine& engine, const Now& now) {
  if (writer_->flush()) {
    KeptRows rows = engine.take_changes(std::numeric_limits<std::size_t>::max(), true, now);
    rows.push_back({std::string(kLife), std::string(kStopped)});
    writer_->put(std::move(rows));
    (void)writer_->flush();
  }
  read_report(engine, now);
}

}  // namespace fw::daemon
