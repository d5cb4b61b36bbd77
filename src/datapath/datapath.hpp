// SPDX-License-Identifier: MIT
// The seam between the daemon's desired state (engine/) and where packets are judged. A datapath
// fetches packets, gives the policy (policy/judge.h) its tables and applies the verdicts; it
// decides nothing. Implementations: xdp/ (kernel), user/ (in this process: replay, NFQUEUE, tests).
//
// Called from one thread. Packets may be judged at any time on any CPU while these run.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "datapath/interface_status.hpp"
#include "policy/policy.h"

namespace fw::datapath {

// Slots of a table. That of a table with one slot is reached like a pointer's target.
template <typename T>
struct Slots : std::span<T> {
  using std::span<T>::span;
  T* operator->() const { return this->data(); }
};

// The tables (abi/tables.h), shared with the running policy: every write is in force at once. Which
// words may be written by both sides and in which order is said in tables/entry_table.h; use the
// functions of policy/policy.h, not the members.
struct Tables {
#define FW_TABLE_SLOTS(storage, name, type, count) Slots<type> name;
  FW_SHARED_TABLES(FW_TABLE_SLOTS)
#undef FW_TABLE_SLOTS

  // What fw_policy_* functions need besides a packet.
  [[nodiscard]] fw_env env(const fw_config& config) const {
    fw_env env{};
    env.config = &config;
#define FW_TABLE_LEND(storage, name, type, count) env.name = name.data();
    FW_SHARED_TABLES(FW_TABLE_LEND)
#undef FW_TABLE_LEND
    return env;
  }
};

// An established flow of the kernel's (sock_diag), from before the start.
struct Flow {
  Address remote, local;
  std::uint16_t remote_port = 0, local_port = 0;
  std::uint8_t proto = 0;  // IANA number
};

class Datapath {
 public:
  virtual ~Datapath() = default;
  Datapath() = default;
  Datapath(const Datapath&) = delete;
  Datapath& operator=(const Datapath&) = delete;

  // "xdp", "nfqueue", "user".
  [[nodiscard]] virtual std::string kind() const = 0;
  // The same from its opening to its end, and so is where config() lies.
  [[nodiscard]] virtual Tables tables() = 0;

  // The clock of every `now_ns`, `until_ns` and event: nanoseconds, never steps.
  [[nodiscard]] virtual std::uint64_t now_ns() const = 0;

  // The configuration in force (all zero before the first publish). Seeds and masks are set by the
  // datapath when it is opened and must be kept.
  [[nodiscard]] virtual const fw_config& config() const = 0;

  // Swaps configuration and port table in one step: a packet sees the old or the new, never a mix.
  // `ports` has FW_PORT_LINES lines. After an error the old ones are in force.
  [[nodiscard]] virtual Result<void> publish(const fw_config& config,
                                             std::span<const fw_port_line> ports) = 0;

  // Looks at the host again: what of it decides what this datapath can do may change at any time.
  // A look costs milliseconds where the host has thousands of rules of its own.
  virtual void follow_host() {}
  // Empty: SYNs above their budget are answered by SYN cookies; else why they are dropped.
  [[nodiscard]] virtual std::string why_no_syn_cookies() const {
    return "only a program in the driver's place can send an answer (datapath xdp)";
  }

  // Swaps the list image (lists/image.hpp; its size is a multiple of FW_LINE_BYTES) in one step; an
  // empty one is no lists. After an error the old one is in force.
  [[nodiscard]] virtual Result<void> publish_lists(std::span<const std::byte> image) = 0;

  // What the lists and entries in force decide about a source: FW_REASON_EXEMPT, ALLOW, DENY or
  // BAN, else FW_REASON_PASS. Asks the policy.
  [[nodiscard]] virtual fw_reason access(const Address& source) = 0;

  // Starts judging an interface's packets, native if the driver can, else generic. Idempotent; a
  // foreign XDP program is never replaced: the error says which one it is (kind refused). Kind
  // failed: this datapath cannot have that interface at all.
  [[nodiscard]] virtual Result<void> attach(const std::string& interface) = 0;
  // Stops it. An interface that is gone or was never attached is no error.
  virtual void detach(const std::string& interface) = 0;
  // Those that were attached and not detached since; from the opening on also those on which a
  // former daemon's programs still judge.
  [[nodiscard]] virtual std::vector<InterfaceStatus> interfaces() const = 0;

  // Detaches everything and leaves nothing behind in the kernel. Afterwards only destroy it.
  virtual void remove() = 0;

  // The sum over CPUs.
  [[nodiscard]] virtual fw_counters counters() const = 0;
  // Packets dropped for an entry that are not yet in fw_entry::dropped.
  [[nodiscard]] virtual std::uint64_t pending_drops(std::size_t entry_index) const = 0;
  // Called by the owner of an entry slot before it is given to a new entry.
  virtual void clear_pending(std::size_t entry_index) = 0;

  // Hands over the events that wait, oldest first.
  virtual void drain_events(const std::function<void(const fw_event&)>& sink) = 0;
  // The same for the packets it showed (fw_sample): some thousands a second at most, so ask often.
  virtual void drain_samples(const std::function<void(const fw_sample&)>& sink) = 0;

  // Memory of all tables and the list image now in force.
  [[nodiscard]] virtual std::uint64_t memory_bytes() const = 0;
};

}  // namespace fw::datapath
