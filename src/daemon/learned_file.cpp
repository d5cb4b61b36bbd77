// SPDX-License-Identifier: MIT
#include "daemon/learned_file.hpp"

namespace fw::daemon {
namespace {

constexpr std::string_view kName = "baseline";

}  // namespace

Result<store::Store*> LearnedFile::open() {
  if (!store_) {
    auto store = store::Store::open(file_);
    if (!store) return std::unexpected(std::move(store.error()));
    store_.emplace(std::move(*store));
  }
  return &*store_;
}

Result<void> LearnedFile::read_into(engine::Engine& engine) {
  const Result<store::Store*> store = open();
  if (!store) return std::unexpected(store.error());
  auto kept = (*store)->get(kName);
  if (!kept) return std::unexpected(std::move(kept.error()));
  const std::optional<std::string>& text = *kept;
  if (!text) return {};
  if (auto recalled = engine.recall(*text); !recalled)
    return fail(file_.native() + ": " + recalled.error().message);
  kept_ = *text;
  return {};
}

void LearnedFile::recall(engine::Engine& engine) {
  const Result<void> read = read_into(engine);
  problem_ = read ? "" : "what was learned is not known: " + read.error().message;
}

Result<void> LearnedFile::write(std::string_view text) {
  const Result<store::Store*> store = open();
  if (!store) return std::unexpected(store.error());
  return (*store)->put(kName, text);
}

void LearnedFile::keep(const engine::Engine& engine) {
  std::string text = engine.baseline().text();
  if (text == kept_) return;
  const Result<void> written = write(text);
  problem_ = written ? "" : "what is learned is not kept: " + written.error().message;
  if (written)
    kept_ = std::move(text);
  else
    store_.reset();  // the next turn opens it anew
}

void LearnedFile::tick(const engine::Engine& engine, const Now& now) {
  if (due_ns_ == 0) due_ns_ = now.mono_ns + kEveryNs;
  if (now.mono_ns < due_ns_) return;
  due_ns_ = now.mono_ns + kEveryNs;
  keep(engine);
}

}  // namespace fw::daemon
