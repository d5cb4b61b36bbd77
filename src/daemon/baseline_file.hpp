// SPDX-License-Identifier: MIT
// Stores the engine's baseline across restarts (state.db). Neither a damaged file nor a full disk
// stops the daemon: problem() says so, and the next call tries again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "engine/engine.hpp"
#include "store/store.hpp"

namespace fw::daemon {

class BaselineFile {
 public:
  static constexpr std::uint64_t kEveryNs = 300 * kSecond;  // judgement: what a crash may lose

  explicit BaselineFile(std::filesystem::path file) : file_(std::move(file)) {}

  // At the start, before Engine::adopt().
  void restore(engine::Engine& engine);
  // Stores it if it is due.
  void tick(const engine::Engine& engine, const Now& now);
  // Stores it now.
  void store(const engine::Engine& engine);

  // A sentence, or empty: it is stored.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  [[nodiscard]] Result<store::Store*> open();
  [[nodiscard]] Result<void> read_into(engine::Engine& engine);
  [[nodiscard]] Result<void> write(std::string_view text);

  std::filesystem::path file_;
  std::optional<store::Store> store_;
  std::string stored_;  // as last read or written
  std::uint64_t due_ns_ = 0;
  std::string problem_;
};

}  // namespace fw::daemon
