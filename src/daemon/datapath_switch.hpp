// SPDX-License-Identifier: MIT
// The datapath (XDP, or queues to user space where XDP cannot be had), and the switch that `mode
// off` turns: in force, or not there at all, while the engine keeps what it believes in tables of
// this process.
//
// Invariant: current() is always a datapath the engine can write to. When the switch goes out of
// scope the kernel is left as it should be found: see keep().
#pragma once

#include <filesystem>
#include <memory>
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
  // takes over those of a former daemon; attaches nothing. After an error nothing is left in the
  // kernel that was not there before.
  [[nodiscard]] static Result<DatapathSwitch> open(const std::filesystem::path& pins,
                                                   const std::filesystem::path& run_folder,
                                                   const config::Config& config);
  ~DatapathSwitch();
  DatapathSwitch(DatapathSwitch&&) noexcept = default;
  DatapathSwitch& operator=(DatapathSwitch&&) = delete;

  [[nodiscard]] datapath::Datapath& current();
  [[nodiscard]] bool is_on() const { return kernel_ != nullptr; }
  // From XDP to the queues, with all the engine believes, because XDP attaches to nothing here
  // (`why`). False, and nothing done: another datapath is in force, or the configuration wants
  // XDP. After an error XDP is still in force.
  [[nodiscard]] Result<bool> fall_back(const std::string& why, engine::Engine& engine,
                                       const Now& now);
  // Empty, or why "auto" became less than XDP, and what is lost by it.
  [[nodiscard]] const std::string& notice() const { return notice_; }

  // What happens to the kernel's part when this is destroyed: true, filtering goes on without us.
  // At first: only if it did before us.
  void keep(bool filtering) { keep_ = filtering; }

  // Takes everything out of the kernel; that much is done even after an error.
  [[nodiscard]] Result<void> off(engine::Engine& engine, const Now& now);
  // Back into the kernel, with all the engine believes; attaches nothing. After an error it is off.
  [[nodiscard]] Result<void> on(engine::Engine& engine, const Now& now);

 private:
  DatapathSwitch() = default;
  [[nodiscard]] Result<std::unique_ptr<datapath::Datapath>> load(bool were_there);
  [[nodiscard]] Result<std::unique_ptr<datapath::Datapath>> load_queue() const;

  datapath::xdp::Options options_;
  datapath::nfqueue::Options queue_options_;
  std::unique_ptr<datapath::Datapath> kernel_;  // null: off
  std::unique_ptr<datapath::UserDatapath> memory_;
  bool keep_ = false;
  config::DatapathKind kind_ = config::DatapathKind::automatic;
  std::string notice_;
};

}  // namespace fw::daemon
