// SPDX-License-Identifier: MIT
#include "daemon/baseline_file.hpp"

namespace fw::daemon {
namespace {

constexpr std::string_view kName = "baseline";

}  // namespace

Result<store::Store*> BaselineFile::open() {
  if (!store_) {
    auto store = store::Store::open(file_);
    if (!store) return std::unexpected(std::move(store.error()));
    store_.emplace(std::move(*store));
  }
  return &*store_;
}

Result<void> BaselineFile::read_into(engine::Engine& engine) {
  const Result<store::Store*> store = open();
  if (!store) return std::unexpected(store.error());
  auto found = (*store)->get(kName);
  if (!found) return std::unexpected(std::move(found.error()));
  const std::optional<std::string>& text = *found;
  if (!text) return {};
  if (auto restored = engine.restore_baseline(*text); !restored)
    return fail(file_.native() + ": " + restored.error().message);
  stored_ = *text;
  return {};
}

void BaselineFile::restore(engine::Engine& engine) {
  const Result<void> read = read_into(engine);
  problem_ = read ? "" : "what was learned is not known: " + read.error().message;
}

Result<void> BaselineFile::write(std::string_view text) {
  const Result<store::Store*> store = open();
  if (!store) return std::unexpected(store.error());
  return (*store)->put(kName, text);
}

void BaselineFile::store(const engine::Engine& engine) {
  std::string text = engine.baseline().text();
  if (text == stored_) return;
  const Result<void> written = write(text);
  problem_ = written ? "" : "what is learned is not kept: " + written.error().message;
  if (written)
    stored_ = std::move(text);
  else
    store_.reset();  // the next call opens it again
}

void BaselineFile::tick(const engine::Engine& engine, const Now& now) {
  if (due_ns_ == 0) due_ns_ = now.mono_ns + kEveryNs;
  if (now.mono_ns < due_ns_) return;
  due_ns_ = now.mono_ns + kEveryNs;
  store(engine);
}

}  // namespace fw::daemon
