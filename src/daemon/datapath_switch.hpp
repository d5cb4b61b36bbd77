// SPDX-License-Identifier: MIT
// Owns the datapath: XDP, or packet queues to user space where XDP is not available. `mode off`
// takes it out of the kernel; the engine then writes to tables in this process.
//
// Invariant: current() is always a datapath that the engine can write to. The destructor leaves the
// kernel as keep() says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "datapath/datapath.hpp"
#include "datapath/nfqueue/nfqueue_datapath.hpp"
#include "datapath/xdp/xdp_datapath.hpp"
#include "engine/engine.hpp"

namespace fw::daemon {

class DatapathSwitch {
 public:
  // `pins` is in a bpffs, `run_folder` has the daemon's own files. Loads programs and tables, or
  // takes over those of a former daemon; attaches nothing. Where XDP of a former daemon is
  // attached, no queues take its place. After an error the kernel is as before.
  [[nodiscard]] static Result<DatapathSwitch> open(const std::filesystem::path& pins,
                                                   const std::filesystem::path& run_folder,
                                                   const config::Config& config);
  // As the operator left it: nothing is in the kernel until on().
  [[nodiscard]] static Result<DatapathSwitch> open_off(const std::filesystem::path& pins,
                                                       const std::filesystem::path& run_folder,
                                                       const config::Config& config,
                                                       const Now& now);
  ~DatapathSwitch();
  DatapathSwitch(DatapathSwitch&&) noexcept = default;
  DatapathSwitch& operator=(DatapathSwitch&&) = delete;

  [[nodiscard]] datapath::Datapath& current();
  [[nodiscard]] bool is_on() const { return kernel_ != nullptr; }
  // Replaces XDP, which can attach to no interface here (`why`), by the queues, and fills their
  // tables. False, and nothing was done: another datapath is in force, or the configuration demands
  // XDP. After an error XDP is still in force.
  [[nodiscard]] Result<bool> fall_back(const std::string& why, engine::Engine& engine,
                                       const Now& now);
  // Where "auto" became queues: tries XDP again at times, without waiting for it, and returns to it
  // when it can attach to an interface that the queues have. True: it did.
  [[nodiscard]] bool return_to_xdp(engine::Engine& engine, const Now& now);
  // Empty, or why "auto" became less than XDP, what is lost by it, and the remedy.
  [[nodiscard]] const std::string& problem() const { return problem_; }

  // Whether filtering continues when this is destroyed. Initially: if a former daemon left it so.
  void keep(bool filtering) { keep_ = filtering; }

  // Takes everything out of the kernel, and the engine to tables in memory, in mode off. After an
  // error everything is out of the kernel all the same.
  [[nodiscard]] Result<void> off(engine::Engine& engine, const Now& now);
  // Back into the kernel in the given mode, with all tables filled; attaches nothing. After an
  // error it is off.
  [[nodiscard]] Result<void> on(engine::Engine& engine, engine::Mode mode, const Now& now);

 private:
  DatapathSwitch(const std::filesystem::path& pins, const std::filesystem::path& run_folder,
                 const config::Config& config);
  void use_memory(const Now& now);
  [[nodiscard]] Result<std::unique_ptr<datapath::Datapath>> load(bool were_there);
  [[nodiscard]] Result<std::unique_ptr<datapath::Datapath>> load_queue() const;
  [[nodiscard]] bool replace_queue(std::unique_ptr<datapath::Datapath> xdp, engine::Engine& engine,
                                   const Now& now);
  // Takes everything out of the kernel, also what was about to be there.
  void remove();
  void retry_later(const Now& now);

  datapath::xdp::Options options_;
  datapath::nfqueue::Options queue_options_;
  std::unique_ptr<datapath::Datapath> kernel_;  // null: off
  std::unique_ptr<datapath::UserDatapath> memory_;
  bool keep_ = false;
  config::DatapathKind kind_ = config::DatapathKind::automatic;
  std::string problem_;
  std::optional<datapath::xdp::Opening> opening_;  // of XDP, while the queues judge
  std::uint64_t retry_due_ns_ = 0, retry_pause_ns_ = 0;
};

}  // namespace fw::daemon
