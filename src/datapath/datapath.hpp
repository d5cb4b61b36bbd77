// SPDX-License-Identifier: MIT
// The interface between the daemon (engine/) and a datapath. A datapath receives packets, passes
// them with its tables to the policy (policy/judge.h) and applies the verdicts; it decides nothing.
// Implementations: xdp/ (kernel), nfqueue/ (user space), user/ (this process: replay and tests).
//
// Thread rule: called from one thread. Packets are judged on any CPU meanwhile.
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

// The slots of a table. operator-> is for tables with one slot.
template <typename T>
struct Slots : std::span<T> {
  using std::span<T>::span;
  T* operator->() const { return this->data(); }
};

// The tables (abi/tables.h), shared with the running policy: every write is in force at once.
// tables/entry_table.h says which words both sides write, and in which order. Entries are changed
// through the functions of policy/policy.h, not through these members.
struct Tables {
#define FW_TABLE_SLOTS(storage, name, type, count) Slots<type> name;
  FW_SHARED_TABLES(FW_TABLE_SLOTS)
#undef FW_TABLE_SLOTS

  // The tables as the argument of fw_policy_* functions.
  [[nodiscard]] fw_env env(const fw_config& config) const {
    fw_env env{};
    env.config = &config;
#define FW_TABLE_LEND(storage, name, type, count) env.name = name.data();
    FW_SHARED_TABLES(FW_TABLE_LEND)
#undef FW_TABLE_LEND
    return env;
  }
};

// A connection that the kernel had established before this datapath was opened (sock_diag).
struct Flow {
  Address remote, local;
  std::uint16_t remote_port = 0, local_port = 0;
  std::uint8_t proto = 0;  // IANA number
};

// Something in the kernel that was not as it was put there.
struct Difference {
  std::string what;      // "the program on up0 was replaced"
  std::string unsolved;  // empty: it is put right; else why it is not
};

class Datapath {
 public:
  virtual ~Datapath() = default;
  Datapath() = default;
  Datapath(const Datapath&) = delete;
  Datapath& operator=(const Datapath&) = delete;

  // "xdp", "nfqueue", "user".
  [[nodiscard]] virtual std::string kind() const = 0;
  // The tables, and the object that config() returns, stay at the same place until destruction.
  [[nodiscard]] virtual Tables tables() = 0;

  // Whether a former daemon's entries are known: they are in tables(), or in former_entries().
  // False: its tables are gone, or those of another version.
  [[nodiscard]] virtual bool has_former_entries() const { return false; }
  // The entries of a former daemon's tables that could not be taken over, since their sizes differ.
  // Its programs go on changing them until all interfaces are attached.
  [[nodiscard]] virtual std::vector<fw_entry> former_entries() const { return {}; }
  virtual void forget_former() {}

  // The clock of every `now_ns`, `until_ns` and event, in nanoseconds. It never steps back.
  [[nodiscard]] virtual std::uint64_t now_ns() const = 0;

  // The configuration in force; before the first publish() only seeds and masks are set. A caller
  // of publish() must not change these.
  [[nodiscard]] virtual const fw_config& config() const = 0;

  // Swaps configuration and port table in one step: a packet sees the old or the new, never a mix.
  // `ports` has FW_PORT_LINES lines. After an error the old ones are in force.
  [[nodiscard]] virtual Result<void> publish(const fw_config& config,
                                             std::span<const fw_port_line> ports) = 0;

  // Reads again the settings of the host that decide what this datapath can do (for SYN cookies:
  // tcp_syncookies and forwarded ports). Takes milliseconds on a host with thousands of rules.
  virtual void recheck_host() {}
  // Why SYNs above their budget are dropped; empty: they are answered by SYN cookies.
  [[nodiscard]] virtual std::string why_no_syn_cookies() const {
    return "only the datapath xdp can answer a SYN";
  }

  // Swaps the list image (lists/image.hpp; its size is a multiple of FW_LINE_BYTES) in one step. An
  // empty image removes the lists. After an error the old image is in force.
  [[nodiscard]] virtual Result<void> publish_lists(std::span<const std::byte> image) = 0;

  // What the lists and entries in force decide about a source: FW_REASON_EXEMPT, ALLOW, DENY or
  // BAN, else FW_REASON_PASS. Asks the policy.
  [[nodiscard]] virtual fw_reason access(const Address& source) = 0;

  // Starts judging an interface's packets: native XDP if the driver has it, else generic. A second
  // call does nothing. Another program's XDP program is never replaced: the error names it (kind
  // refused, as of what may succeed later). Kind failed: this datapath cannot be attached to that
  // interface at all.
  [[nodiscard]] virtual Result<void> attach(const std::string& interface) = 0;
  // Stops it. Does nothing for an interface that is gone or was never attached.
  virtual void detach(const std::string& interface) = 0;
  // The interfaces that were attached and not detached since, and those on which the programs of a
  // former daemon still run; as last looked at by attach() or reconcile().
  [[nodiscard]] virtual std::vector<InterfaceStatus> interfaces() const = 0;

  // Looks again, as packets do, at everything that was published and attached, and puts right what
  // is not as it was put there. Of a large list it looks at a part each time. Call it every second,
  // and when the network changed.
  [[nodiscard]] virtual std::vector<Difference> reconcile() { return {}; }
  // Whether reconcile() found the list image damaged: publish it again.
  [[nodiscard]] virtual bool needs_lists() const { return false; }

  // Detaches everything and leaves nothing in the kernel. The object may only be destroyed then.
  virtual void remove() = 0;

  // The sum over CPUs.
  [[nodiscard]] virtual fw_counters counters() const = 0;
  // Packets dropped for an entry that are not yet in fw_entry::dropped.
  [[nodiscard]] virtual std::uint64_t pending_drops(std::size_t entry_index) const = 0;
  // Called by the owner of an entry slot before it is given to a new entry.
  virtual void clear_pending(std::size_t entry_index) = 0;

  // Passes all pending events to `sink`, oldest first.
  virtual void drain_events(const std::function<void(const fw_event&)>& sink) = 0;
  // Passes all pending samples to `sink`. The ring holds a few thousand, which can be a second's
  // worth, so call it several times a second.
  virtual void drain_samples(const std::function<void(const fw_sample&)>& sink) = 0;

  // Memory of all tables and of the list image in force.
  [[nodiscard]] virtual std::uint64_t memory_bytes() const = 0;
};

}  // namespace fw::datapath
