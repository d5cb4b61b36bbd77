// SPDX-License-Identifier: MIT
// The policy in the kernel and in this process, given the same frames, tables and clock. Every call
// returns the first difference, or nothing.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "diff/kernel_side.hpp"

namespace fw::test {

using Difference = std::optional<std::string>;

class Pair {
 public:
  static constexpr datapath::TableSizes kSizes{.sources = 64, .flows = 64, .bans = 16};

  explicit Pair(std::unique_ptr<KernelSide> kernel) : kernel_(std::move(kernel)) {
    user_.env().notes_questions = 1;
  }

  [[nodiscard]] Difference ingress(std::span<const fw_u8> frame, std::uint64_t now_ns,
                                   unsigned link = FW_LINK_ETHERNET);
  [[nodiscard]] Difference egress(std::span<const fw_u8> frame, std::uint64_t now_ns);
  // Compares every slot of every table, and the counters of this CPU.
  [[nodiscard]] Difference tables();

  // Seeds and masks of `config` are replaced by those in force.
  [[nodiscard]] Difference publish(fw_config config, std::span<const fw_port_line> ports);
  [[nodiscard]] Difference publish_lists(std::span<const std::byte> image);
  [[nodiscard]] Difference put(const fw_entry& entry, std::uint64_t now_ns);
  // Puts a signature in force for the classes whose bits are set; none: takes it out.
  void set_signature(std::size_t index, const fw_signature& signature, fw_u32 classes);
  // Sets FW_PORT_* of a port, given by its index in the table `served`.
  // What all services bear, as the engine restricts it.
  void restrict(fw_u32 cost, std::uint64_t until_ns);
  // A connection from before the start.
  void establish(const Address& remote, unsigned remote_port, const Address& local,
                 unsigned local_port, std::uint64_t now_ns);
  void set_served(std::size_t port, fw_u8 flags);
  void erase(std::size_t entry_index);

  [[nodiscard]] const fw_config& config() const { return user_.config(); }
  // How often each reason was given, and how many events there were.
  [[nodiscard]] const std::array<std::uint64_t, FW_REASON_COUNT>& reasons() const {
    return reasons_;
  }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] std::uint64_t samples() const { return samples_; }
  [[nodiscard]] fw_counters counters() const { return user_.counters(); }

 private:
  [[nodiscard]] Difference events_differ();

  std::unique_ptr<KernelSide> kernel_;
  datapath::UserDatapath user_{kSizes, 99};
  std::array<std::uint64_t, FW_REASON_COUNT> reasons_{};
  std::uint64_t events_ = 0, samples_ = 0;
};

}  // namespace fw::test
