// SPDX-License-Identifier: MIT
// The oracle: the policy written a second time, slowly and plainly, to be compared with src/policy
// packet by packet. It differs from the policy in four ways:
//   - it knows the values of a datagram's fields and never parses one;
//   - it keeps maps that grow without bound, so nothing is evicted, hashed or filtered;
//   - its token buckets store the tokens used, not a theoretical arrival time;
//   - its clock only goes forward, and it has no CPUs.
// The arithmetic of limits and budgets is the policy's, because verdicts have to be equal. Where
// the real tables are large enough, every verdict, event and expiry has to be equal.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "abi/configuration.h"
#include "abi/layout.h"
#include "abi/packet.h"
#include "base/address.hpp"

namespace fw::test {

// An IP datagram between this host and a remote one, in either direction.
struct Datagram {
  Address remote, local;
  unsigned proto = 0, remote_port = 0, local_port = 0;
  unsigned flags = 0, icmp_type = 0, ttl = 64;
  std::uint32_t seq = 0, ack = 0;
  unsigned payload_bytes = 0, frame_bytes = 0;
  bool later_fragment = false;
  // ICMP errors: the packet from `local` that they are about.
  struct Quoted {
    Address remote;
    unsigned proto = 0, remote_port = 0, local_port = 0;
  };
  std::optional<Quoted> quoted{};
};

struct Verdict {
  bool drop = false;
  unsigned reason = 0, traffic_class = 0, rule = 0;
  bool begins_flow = false;  // UDP of an unverified source: begins a flow unless it is dropped
};

struct Report {
  unsigned kind = 0, metric = 0, value = 0, limit = 0;
  bool operator==(const Report&) const = default;
};

// Limits in the policy's units: ticks of 16 ns, windows of 2^30 ns.
struct Limit {
  std::uint64_t cost_q8 = 0, burst = 0;
  unsigned ban_above = 0, limit_above = 0;
  bool peers = false;
};
struct Rule {
  std::array<Limit, FW_METRIC_COUNT> limits{};
  std::uint64_t ban_ms = 0;
  unsigned action = FW_ACTION_LIMIT;
  bool own = false;
};
struct BudgetLimit {
  std::uint64_t cost = 0, burst = 0, served_burst = 0;  // ticks; cost 0: no budget
};
struct Signature {
  unsigned traffic_class = 0;
  std::uint64_t until_ns = 0;  // 0: without an end
  std::optional<unsigned> ttl, flags, remote_port, local_port;
  [[nodiscard]] bool matches(const Datagram& datagram) const;
};
struct Entry {
  unsigned kind = 0;
  std::uint64_t until_ns = 0, hold_ns = 0;
  unsigned ban_above = 0, metric = 0;
  std::map<std::uint64_t, std::uint64_t> by_window{};  // units of `metric` since the ban began
  std::uint64_t window = 0;                            // the last one of by_window
  bool restricted = false, own = false;
};

class Model {
 public:
  // The configuration.
  bool observe = false;
  unsigned prefix_v6 = 64;
  unsigned unanswered_above = 0;
  std::uint64_t bans_cost = 0, bans_burst = 0;
  std::map<unsigned, Rule> rules{{0, {}}};
  std::map<std::pair<bool, unsigned>, unsigned> rule_of_port;  // key: is UDP, port
  // Prefixes of these lengths are limited by rules[FW_RULE_OF_PREFIXES]; 0: no such limit.
  unsigned limit_bits_v4 = 0, limit_bits_v6 = 0;
  std::map<Prefix, Entry> entries;
  std::set<Address> denied, allowed;
  std::map<unsigned, BudgetLimit> budget_limits;  // by class
  std::map<unsigned, Signature> signatures;
  std::set<std::pair<unsigned, unsigned>> listening;     // protocol and port of listening sockets
  std::set<std::pair<unsigned, unsigned>> large_rcvbuf;  // those with a large receive buffer

  Verdict arrives(const Datagram& datagram, std::uint64_t now_ns);
  void leaves(const Datagram& datagram, std::uint64_t now_ns);

  // A budget's name: address (Address{}: all together), served port (0: every port that is not
  // served; 1 with Address{}: every port that is), class.
  using BudgetKey = std::tuple<Address, unsigned, unsigned>;
  [[nodiscard]] const std::set<BudgetKey>& budgets_used() const { return budgets_used_; }

  // Slots that a table without eviction would have taken.
  [[nodiscard]] std::size_t sources_seen() const { return sources_.size() + prefixes_.size(); }

  // Events of the last arrives().
  std::vector<Report> reports;
  std::uint64_t bans_not_made = 0;

 private:
  enum class Peer { unknown, answers, verified, acquainted };
  struct Flow {
    enum class State { unanswered, replied, handshake, outbound, established };
    State state = State::unanswered;
    // TCP: an acknowledgement in (isn, next] verifies the peer. While egress is unseen `next` is
    // where the peer's next segment begins, and `acked` what it acknowledged (nothing after a SYN).
    std::uint32_t isn = 0, next = 0;
    std::optional<std::uint32_t> acked{};
    unsigned exchanges = 0;  // UDP: questions answered
    std::uint64_t first_window = 0;
  };
  struct Bucket {
    std::uint64_t used = 0, at_tick = 0;  // tokens used, in ticks, as of at_tick
    void advance(std::uint64_t tick);
    bool admit(std::uint64_t tick, std::uint64_t cost, std::uint64_t burst);
    void refund(std::uint64_t tick, std::uint64_t cost);
  };
  struct Source {
    std::array<Bucket, FW_METRIC_COUNT> buckets{};
    std::array<std::map<std::uint64_t, std::uint64_t>, FW_METRIC_COUNT> by_window{};
    // The deferred first packet: units by metric, until the second packet comes.
    std::map<unsigned, std::uint64_t> deferred{};
    std::uint64_t deferred_ns = 0;  // a multiple of 2^20
    std::optional<std::uint64_t> excess_since, excess_last;
    std::uint64_t seen_window = 0;
    unsigned age = 0;         // windows in which it was seen while no budget was exceeded
    unsigned taken = 0;       // packets that counted towards its share of budgets, in seen_window
    unsigned unrefunded = 0;  // packets whose tokens were not refunded, kUnrefundedMost at most
  };
  enum Side { of_new, of_known };
  struct Budget {
    std::array<Bucket, 2> buckets{};   // by Side
    std::array<unsigned, 2> credit{};  // tokens, in packets, taken and not yet spent
    unsigned pending_refunds = 0;
    std::uint64_t answered = 0, answered_before = 0, window = 0;
    std::uint64_t below_half_ms = 0;              // when new sources last had used less than half
    std::optional<std::uint64_t> exhausted_ms{};  // when more than half was used and one refused
    std::uint64_t flushed_ms = 0;                 // when refusals were last counted
    void roll(std::uint64_t now);
  };
  // How a packet asks a budget for tokens.
  struct Request {
    Side side = of_new;
    bool within_quota = false;  // of its source and prefix; else the packet takes no tokens
    unsigned burst_factor = 1;  // more than 1 where a socket holds packets until its program runs
  };
  struct Excess {
    bool refused = false, limit = false, ban = false;
    Report report;
  };
  using FlowKey = std::tuple<Address, unsigned, Address, unsigned, unsigned>;
  using SourceKey = std::tuple<Prefix, unsigned, bool>;

  [[nodiscard]] unsigned judge(const Datagram& datagram, std::uint64_t now_ns, Verdict& verdict);
  // What the datagram's flow tells about its sender.
  [[nodiscard]] Peer peer_of(const Datagram& datagram, std::uint64_t now_ns);
  // The same for TCP while egress is unseen.
  [[nodiscard]] Peer one_way_peer_of(const Datagram& datagram, std::uint64_t now_ns);
  [[nodiscard]] bool quotes_flow(const Datagram& datagram) const;
  void record_question(const Datagram& datagram, std::uint64_t now_ns);

  // Meters the datagram for the source or prefix of `key`, under the limits of `rule`.
  [[nodiscard]] bool is_over_limit(const Datagram& datagram, unsigned traffic_class,
                                   const SourceKey& key, unsigned rule, Peer peer,
                                   std::uint64_t now_ns);
  // What an entry makes of its addresses, in the order of enum fw_standing.
  enum class Standing { none, restricted, banned, allowed, exempt, own };
  [[nodiscard]] static Standing standing_of(const Entry& entry);
  // Of exempt and restricted sources, once their flow is known; nothing: judged on.
  [[nodiscard]] std::optional<unsigned> judge_standing(Entry& entry, const Datagram& datagram,
                                                       unsigned traffic_class, Peer peer,
                                                       bool completes, std::uint64_t now_ns);
  [[nodiscard]] bool is_left_unanswered(const Datagram& datagram, unsigned traffic_class,
                                        const Source& source, Peer peer,
                                        std::uint64_t now_ns) const;
  // Records a source's first packet, which is above no limit and is metered with the second one.
  static void defer(const Datagram& datagram, unsigned traffic_class, Source& source,
                    std::uint64_t now_ns);
  [[nodiscard]] Excess meter(const Datagram& datagram, unsigned traffic_class, unsigned rule,
                             Source& source, Peer peer, std::uint64_t now_ns) const;
  [[nodiscard]] bool ban(const Prefix& prefix, const Report& report, unsigned rule,
                         std::uint64_t now_ns);
  void renew(Entry& entry, const Datagram& datagram, std::uint64_t now_ns) const;

  // Gives one packet's tokens back: to the limits of its source and prefix under `metric` (none:
  // FW_METRIC_COUNT), and to the budgets of the class.
  void refund(const Datagram& datagram, unsigned traffic_class, unsigned metric,
              std::uint64_t now_ns);
  void refund_limit(Source& source, unsigned rule, unsigned metric, std::uint64_t now_ns);
  void refund_budget(const BudgetKey& key, std::uint64_t now_ns);

  void begin_window(Source& source, bool is_new, unsigned traffic_class, std::uint64_t now_ns);
  [[nodiscard]] bool has_verified_entry(const SourceKey& key, std::uint64_t now_ns) const;
  [[nodiscard]] SourceKey key_of(const Datagram& datagram, unsigned rule, bool verified) const;
  // The key of the limited prefix around the source; nothing where prefixes have no limits.
  [[nodiscard]] std::optional<SourceKey> prefix_key_of(const Datagram& datagram,
                                                       bool verified) const;
  [[nodiscard]] Prefix source_of(const Address& address) const;

  [[nodiscard]] bool is_served(unsigned proto, unsigned port) const;
  [[nodiscard]] bool is_unsolicited(const Datagram& datagram, unsigned traffic_class,
                                    const Source* source) const;
  [[nodiscard]] bool is_over_budget(const Datagram& datagram, const Verdict& verdict,
                                    std::uint64_t now_ns);
  [[nodiscard]] std::uint64_t burst(const Budget& budget, unsigned traffic_class, bool served,
                                    const Request& request) const;
  [[nodiscard]] bool burst_is_available(const BudgetKey& key, const Budget& budget, Side side,
                                        std::uint64_t now_ns);
  [[nodiscard]] Budget& budget_of(const BudgetKey& key);
  [[nodiscard]] bool count_towards_quota(const Datagram& datagram, Source* source, unsigned quota,
                                         bool prefix_has_quota, bool to_socket,
                                         std::uint64_t now_ns);
  [[nodiscard]] bool admits(const BudgetKey& key, const Request& request, std::uint64_t now_ns);
  void take_batch(const BudgetKey& key, Side side, std::uint64_t now_ns);

  std::map<FlowKey, Flow> flows_;
  // To which port of a peer this host sends UDP: remote and local address, and the port.
  std::set<std::tuple<Address, Address, unsigned>> partners_;
  std::map<SourceKey, Source> sources_;
  std::set<std::pair<unsigned, unsigned>> served_;  // protocol and port; answered a new source
  Bucket bans_made_, quotes_;
  std::array<Bucket, 4> exempt_{};            // of TCP SYN, other TCP, UDP, the rest
  std::map<unsigned, unsigned> sent_epochs_;  // by UDP port that answers: when it sent last
  bool is_restricted_ = false, is_exempt_ = false, completed_ = false;  // the present datagram
  std::map<BudgetKey, Budget> budgets_;
  std::set<BudgetKey> budgets_used_;
  std::map<Prefix, Source> prefixes_;  // /24 and /48, among whose sources a budget is shared fairly
  std::map<unsigned, std::uint64_t> under_load_until_ns_;  // by class
  bool egress_seen_ = false;
};

}  // namespace fw::test
