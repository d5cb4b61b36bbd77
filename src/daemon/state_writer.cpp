// SPDX-License-Identifier: MIT
#include "daemon/state_writer.hpp"

#include <fmt/format.h>

#include <chrono>
#include <system_error>
#include <utility>

namespace fw::daemon {
namespace {

constexpr std::chrono::seconds kRetry{1};  // judgement

}  // namespace

StateWriter::StateWriter(std::filesystem::path file, std::optional<store::Store> store)
    : file_(std::move(file)),
      store_(std::move(store)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

bool StateWriter::is_idle() const {
  const std::lock_guard lock(mutex_);
  return !batch_;
}

void StateWriter::put(KeptRows batch) {
  const std::lock_guard lock(mutex_);
  batch_ = std::move(batch);
  changed_.notify_all();
}

bool StateWriter::flush() {
  std::unique_lock lock(mutex_);
  // A try that is under way may have begun before the cause of its failure went away.
  const std::uint64_t enough = tries_ + 2;
  changed_.wait(lock, [&] { return !batch_ || tries_ >= enough; });
  return !batch_;
}

StateWriter::Report StateWriter::report() {
  const std::lock_guard lock(mutex_);
  return {.problem = report_.problem, .lost = std::exchange(report_.lost, {})};
}

void StateWriter::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return batch_.has_value(); })) {
    const KeptRows batch = *batch_;
    lock.unlock();
    const Result<void> written = write(batch);
    lock.lock();
    ++tries_;
    report_.problem = written ? "" : "what is believed is not stored: " + written.error().message;
    if (written) batch_.reset();
    changed_.notify_all();
    if (!written) changed_.wait_for(lock, stop, kRetry, [] { return false; });
    if (stop.stop_requested()) return;
  }
}

Result<void> StateWriter::write(const KeptRows& batch) {
  std::error_code error;
  if (store_ && std::filesystem::exists(file_, error)) {
    Result<void> written = store_->write(batch);
    if (!written) store_.reset();  // the next try opens it again
    return written;
  }
  vanished_ = vanished_ || store_;
  store_.reset();
  Result<store::Opened> opened = store::Store::open(file_);
  if (!opened) return std::unexpected(opened.error());
  if (vanished_ || !opened->set_aside.empty()) {
    const std::lock_guard lock(mutex_);
    report_.lost = opened->set_aside.empty()
                       ? fmt::format("{} vanished and is written anew", file_.native())
                       : fmt::format("{} is damaged: it is set aside as {}, and written anew",
                                     file_.native(), opened->set_aside.native());
  }
  vanished_ = false;
  store_.emplace(std::move(opened->store));
  return store_->write(batch);
}

}  // namespace fw::daemon
