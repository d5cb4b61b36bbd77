// SPDX-License-Identifier: MIT
// The policy once more, slow and obvious: maps that never forget, buckets that leak, no hashing and
// no tricks. It knows what a packet says, not how it is written, and is told the time, which only
// goes forward. Where tables are large enough, the real policy has to agree with it in everything.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "abi/abi.h"
#include "base/address.hpp"

namespace fw::test {

// A packet between this host and a remote one.
struct Said {
  Address remote, local;
  unsigned proto = 0, remote_port = 0, local_port = 0;
  unsigned flags = 0, icmp_type = 0, ttl = 64;
  std::uint32_t seq = 0, ack = 0;
  unsigned payload_bytes = 0, frame_bytes = 0;
  bool later_fragment = false;
};

struct Verdict {
  bool drop = false;
  unsigned reason = 0, traffic_class = 0, rule = 0;
  bool asks = false;  // UDP of an unverified source: of a conversation, if it is not dropped
};

struct Report {
  unsigned kind = 0, metric = 0, value = 0, limit = 0;
  bool operator==(const Report&) const = default;
};

// As the configuration has it, with the policy's units: ticks of 16 ns, windows of 2^30 ns.
struct Limit {
  std::uint64_t cost_q8 = 0, burst = 0;
  unsigned ban_above = 0, limit_above = 0;
};
struct Rule {
  std::array<Limit, FW_METRIC_COUNT> limits{};
  std::uint64_t ban_ms = 0;
  unsigned action = FW_ACTION_LIMIT;
  bool own = false;
};
struct BudgetLimit {
  std::uint64_t cost = 0, burst = 0, served_burst = 0;  // ticks; no cost: no budget
};
// What a flood's packets have in common.
struct Signature {
  unsigned traffic_class = 0;
  std::optional<unsigned> ttl, flags, remote_port, local_port;
  [[nodiscard]] bool matches(const Said& said) const;
};
struct Entry {
  unsigned kind = 0;
  std::uint64_t until_ns = 0, hold_ns = 0;
  unsigned ban_above = 0, metric = 0;
  std::map<std::uint64_t, std::uint64_t> by_window{};  // what came since the ban
};

class Model {
 public:
  // What the operator says.
  bool observe = false;
  unsigned prefix_v6 = 64;
  std::uint64_t bans_cost = 0, bans_burst = 0;
  std::map<unsigned, Rule> rules{{0, {}}};
  std::map<std::pair<bool, unsigned>, unsigned> rule_of_port;  // udp, port
  // Of all in a prefix together: rules[FW_RULE_OF_PREFIXES] holds; 0: there is no such limit.
  unsigned limit_bits_v4 = 0, limit_bits_v6 = 0;
  std::map<Prefix, Entry> entries;
  std::set<Address> denied, allowed;
  std::map<unsigned, BudgetLimit> budgets;  // by class
  std::map<unsigned, Signature> signatures;
  std::set<std::pair<unsigned, unsigned>> listening;  // protocol and port of sockets that wait
  std::set<std::pair<unsigned, unsigned>> deep;       // of these, those that hold much

  Verdict arrives(const Said& said, std::uint64_t now_ns);
  void leaves(const Said& said, std::uint64_t now_ns);

  // Whose budget: an address (none: all together), a port that is served (0: all others; of all
  // addresses 1: any that is), a class.
  using BudgetKey = std::tuple<Address, unsigned, unsigned>;
  [[nodiscard]] const std::set<BudgetKey>& budgets_used() const { return budgets_used_; }

  // Cells that a table which forgets nothing has taken.
  [[nodiscard]] std::size_t sources_seen() const { return sources_.size() + prefixes_.size(); }

  // Since the last packet arrived.
  std::vector<Report> reports;
  std::uint64_t bans_not_made = 0;

 private:
  enum class Standing { unknown, answers, verified };
  struct Conversation {
    enum class State { asked, answered, offered, spoken, verified } state = State::asked;
    std::uint32_t first = 0, end = 0;  // TCP: proof is an acknowledgement in (first, end]
    // TCP while nothing is seen to leave: the peer's next segment begins at `end`, and it has
    // acknowledged so much (after a SYN nothing).
    std::optional<std::uint32_t> acknowledged{};
    unsigned turns = 0;
    std::uint64_t since_window = 0;
  };
  struct Bucket {
    std::uint64_t level = 0, at_tick = 0;
    bool pour(std::uint64_t tick, std::uint64_t cost, std::uint64_t burst);
    void scoop(std::uint64_t tick, std::uint64_t cost);
  };
  struct Source {
    std::array<Bucket, FW_METRIC_COUNT> buckets{};
    std::array<std::map<std::uint64_t, std::uint64_t>, FW_METRIC_COUNT> by_window{};
    std::map<unsigned, std::uint64_t> noted{};  // units by metric: the first packet, until charged
    std::uint64_t noted_ns = 0;                 // of a whole millisecond
    std::optional<std::uint64_t> over_since, over_last;
    std::uint64_t seen_window = 0;
    unsigned quiet_windows = 0;  // in which it came while no budget was exceeded
    unsigned drawn = 0;          // on budgets, in this window
    unsigned owes = 0;           // draws that no answer has refunded, 15 at most
  };
  enum Side { unfamiliar, familiar };
  struct Budget {
    std::array<Bucket, 2> owed{};      // by side
    std::array<unsigned, 2> credit{};  // packets that were paid for ahead
    unsigned answers_to_pay_back = 0;
    std::uint64_t answers = 0, answers_before = 0, window = 0;
    std::uint64_t below_half_ms = 0;  // when unverified sources last owed less than half
    std::optional<std::uint64_t> exhausted_ms{};  // when they were last refused above half
    std::uint64_t told_ms = 0;                    // when all were last told of a refusal
    void roll(std::uint64_t now);
  };
  // How a packet draws on budgets.
  struct Draw {
    Side side = unfamiliar;
    bool draws = false;  // else it only looks whether there is plenty
    unsigned depth = 1;  // how much more a socket on the port may hold
  };
  struct Excess {
    bool limit = false, ban = false;
    Report report;
  };
  using Key = std::tuple<Address, unsigned, Address, unsigned, unsigned>;
  using SourceKey = std::tuple<Prefix, unsigned, bool>;

  [[nodiscard]] unsigned judge(const Said& said, std::uint64_t now_ns, Verdict& verdict);
  [[nodiscard]] Standing standing(const Said& said, std::uint64_t now_ns);
  // The same where nothing is seen to leave, of TCP: does it go on as if it had been answered?
  void ask(const Said& said, std::uint64_t now_ns);
  [[nodiscard]] Standing goes_on(const Said& said, std::uint64_t now_ns);
  // Of the source or prefix of `key`, under the limits of `rule`.
  [[nodiscard]] bool is_over_limit(const Said& said, unsigned traffic_class, const SourceKey& key,
                                   unsigned rule, Standing standing, std::uint64_t now_ns);
  // A source's first packet is above no limit, and is charged when the second one comes.
  static void note(const Said& said, unsigned traffic_class, Source& source, std::uint64_t now_ns);
  [[nodiscard]] Excess meter(const Said& said, unsigned traffic_class, unsigned rule,
                             Source& source, std::uint64_t now_ns) const;
  [[nodiscard]] bool ban(const Prefix& prefix, const Report& report, unsigned rule,
                         std::uint64_t now_ns);
  // The peer got or gave an answer: its limit takes back one packet's cost (none:
  // FW_METRIC_COUNT), and the budgets of the class what it drew.
  void refund(const Said& said, unsigned traffic_class, unsigned metric, std::uint64_t now_ns);
  void refund_limit(Source& source, unsigned rule, unsigned metric, std::uint64_t now_ns);
  // A packet of it came.
  void begin_window(Source& source, bool fresh, std::uint64_t now_ns) const;
  [[nodiscard]] bool is_verified_elsewhere(const SourceKey& key, std::uint64_t now_ns) const;
  [[nodiscard]] SourceKey key_of(const Said& said, unsigned rule, bool verified) const;
  // Of the prefix around it; nothing where prefixes have no limits.
  [[nodiscard]] std::optional<SourceKey> prefix_key_of(const Said& said, bool verified) const;

  [[nodiscard]] bool is_served(unsigned proto, unsigned port) const;
  [[nodiscard]] bool is_useless(const Said& said, unsigned traffic_class,
                                const Source* source) const;
  [[nodiscard]] bool is_over_budget(const Said& said, const Verdict& verdict, std::uint64_t now_ns);
  [[nodiscard]] std::uint64_t burst(const Budget& budget, unsigned traffic_class, bool served,
                                    const Draw& draw) const;
  [[nodiscard]] bool is_fresh(const BudgetKey& key, const Budget& budget, Side side,
                              std::uint64_t now_ns);
  [[nodiscard]] Budget& budget(const BudgetKey& key);
  [[nodiscard]] bool may_draw(const Said& said, Source* source, unsigned most, bool pressed,
                              bool to_socket, std::uint64_t now_ns);
  [[nodiscard]] bool has_room(const BudgetKey& key, const Draw& draw, std::uint64_t now_ns);
  void charge(const BudgetKey& key, Side side, std::uint64_t now_ns);
  void pay_back(const BudgetKey& key, std::uint64_t now_ns);
  void renew(Entry& entry, const Said& said, std::uint64_t now_ns) const;
  [[nodiscard]] Prefix source_of(const Address& address) const;

  std::map<Key, Conversation> conversations_;
  std::map<SourceKey, Source> sources_;
  std::set<std::pair<unsigned, unsigned>>
      served_;  // protocol and port that answered an unverified source
  Bucket bans_made_;
  std::map<BudgetKey, Budget> drawn_;
  std::set<BudgetKey> budgets_used_;
  std::map<Prefix, Source> prefixes_;  // that share fairly: /24, /48
  std::uint64_t under_load_until_ns_ = 0;
  bool sees_what_leaves_ = false;
};

}  // namespace fw::test
