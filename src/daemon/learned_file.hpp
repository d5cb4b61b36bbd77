// SPDX-License-Identifier: MIT
// Keeps what the engine learned across restarts (state.db). Neither a damaged file nor a full disk
// stops the daemon: problem() says so, and it is tried again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "engine/engine.hpp"
#include "store/store.hpp"

namespace fw::daemon {

class LearnedFile {
 public:
  static constexpr std::uint64_t kEveryNs = 300 * kSecond;

  explicit LearnedFile(std::filesystem::path file) : file_(std::move(file)) {}

  // At the start, before Engine::adopt().
  void recall(engine::Engine& engine);
  // Keeps it if it is time.
  void tick(const engine::Engine& engine, const Now& now);
  // Keeps it now.
  void keep(const engine::Engine& engine);

  // A sentence, or empty: all is kept.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  [[nodiscard]] Result<store::Store*> open();
  [[nodiscard]] Result<void> read_into(engine::Engine& engine);
  [[nodiscard]] Result<void> write(std::string_view text);

  std::filesystem::path file_;
  std::optional<store::Store> store_;
  std::string kept_;  // as last read or written
  std::uint64_t due_ns_ = 0;
  std::string problem_;
};

}  // namespace fw::daemon
