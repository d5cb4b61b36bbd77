// SPDX-License-Identifier: MIT
// Signatures, and what unverified sources may send together.
#include <algorithm>

#include "oracle/model.hpp"

namespace fw::test {
namespace {

constexpr unsigned kTcp = 6, kUdp = 17;
constexpr unsigned kAhead = 8;  // packets that a budget is charged at a time
constexpr unsigned kOfOneSource =
    16;                            // draws in a window; of one prefix likewise, when it is tight
constexpr unsigned kInFull = ~0U;  // what is of use to nobody
constexpr unsigned kOwesAtMost = 15;
constexpr std::uint64_t kOwedAtMost = 1ULL << 35;  // ticks: 9 minutes
constexpr unsigned kShortMs = 1000;  // so long who drew enough waits behind those who were refused

std::uint64_t window_of(std::uint64_t now_ns) {
  return now_ns / (1ULL << 30);
}
std::uint64_t tick_of(std::uint64_t now_ns) {
  return now_ns / 16;
}
std::uint64_t ms_of(std::uint64_t now_ns) {
  return now_ns / (1ULL << 20);
}

unsigned local_port_of(const Said& said) {
  return (said.proto == kTcp || said.proto == kUdp) && !said.later_fragment ? said.local_port : 0;
}

bool is_by_port(unsigned traffic_class) {
  return traffic_class == FW_CLASS_TCP_SYN || traffic_class == FW_CLASS_TCP_STRAY ||
         traffic_class == FW_CLASS_UDP_NEW;
}

Prefix neighbourhood(const Address& address) {
  const unsigned bits = address.is_v4() ? 120 : 48;
  return {.address = masked(address, bits), .bits = bits};
}

}  // namespace

bool Signature::matches(const Said& said) const {
  const auto is = [](const std::optional<unsigned>& wanted, unsigned value) {
    return !wanted || *wanted == value;
  };
  return is(ttl, said.ttl) && is(flags, said.flags) && is(remote_port, said.remote_port) &&
         is(local_port, said.local_port);
}

Model::Budget& Model::budget(const BudgetKey& key) {
  budgets_used_.insert(key);
  return drawn_[key];
}

void Model::Budget::roll(std::uint64_t now) {
  if (now == window) return;
  answers_before = now == window + 1 ? answers : 0;
  answers = 0;
  window = now;
}

bool Model::is_served(unsigned proto, unsigned port) const {
  return served_.contains({proto, port}) || listening.contains({proto, port});
}

// Nobody here can want it: what this host asked nobody for, and what a service that answers others
// leaves unanswered.
bool Model::is_useless(const Said& said, unsigned traffic_class, const Source* source) const {
  if (!sees_what_leaves_) return false;
  if (traffic_class == FW_CLASS_TCP_STRAY || traffic_class == FW_CLASS_UDP_REFLECTED) return true;
  if (traffic_class != FW_CLASS_UDP_NEW) return false;
  if (!is_served(kUdp, local_port_of(said))) return true;
  return served_.contains({kUdp, local_port_of(said)}) && source != nullptr &&
         source->owes == kOwesAtMost;
}

std::uint64_t Model::burst(const Budget& budget, unsigned traffic_class, bool served,
                           const Draw& draw) const {
  const BudgetLimit& limit = budgets.at(traffic_class);
  const std::uint64_t most = (served ? limit.served_burst : limit.burst) * draw.depth;
  const std::uint64_t answers = std::max(budget.answers, budget.answers_before);
  const unsigned part = budget.answers_before == 0 ? 1 : draw.depth > 1 ? 4 : 8;
  return std::min(most + answers / part * limit.cost, kOwedAtMost);
}

// Above half for less than eight milliseconds: a service may still answer.
bool Model::is_fresh(const BudgetKey& key, const Budget& budget, Side side, std::uint64_t now_ns) {
  const auto& [address, port, traffic_class] = key;
  return traffic_class == FW_CLASS_UDP_NEW && port != 0 && side == unfamiliar &&
         ms_of(now_ns) - budget.below_half_ms < 8 &&
         budget.owed.at(side).level <= 4 * budgets.at(traffic_class).served_burst;
}

bool Model::is_over_budget(const Said& said, const Verdict& verdict, std::uint64_t now_ns) {
  const unsigned traffic_class = verdict.traffic_class, port = local_port_of(said);
  const auto limit = budgets.find(traffic_class);
  if (limit == budgets.end() || limit->second.cost == 0) return false;

  const SourceKey key = key_of(said, verdict.rule, false);
  const auto found = sources_.find(key);
  Source* source = is_special(said.remote) || found == sources_.end() ? nullptr : &found->second;
  const bool useless = is_useless(said, traffic_class, source);
  const bool has_friends = source != nullptr && is_verified_elsewhere(key, now_ns);
  if (has_friends && !useless) return false;

  const bool is_known =
      source != nullptr && traffic_class != FW_CLASS_TCP_SYN && source->quiet_windows >= 4;
  const bool by_port = (said.proto == kTcp || said.proto == kUdp) && is_by_port(traffic_class) &&
                       is_served(said.proto, port);
  Draw draw{.side = has_friends || is_known ? familiar : unfamiliar};
  if (traffic_class == FW_CLASS_UDP_NEW && listening.contains({kUdp, port}))
    draw.depth = deep.contains({kUdp, port}) ? 32 : 8;

  const BudgetKey own{said.local, by_port ? port : 0, traffic_class},
      all{{}, by_port ? 1U : 0U, traffic_class};
  Budget& drawn = budget(own);
  Bucket& owed = drawn.owed.at(draw.side);
  owed.scoop(tick_of(now_ns), 0);
  unsigned& credit = drawn.credit.at(draw.side);
  const std::uint64_t half = burst(drawn, traffic_class, by_port && port != 0, draw) / 2;
  const bool is_spent = owed.level > 2 * half && credit == 0;
  const bool pressed = owed.level > half && !is_spent && !is_fresh(own, drawn, draw.side, now_ns);
  draw.draws =
      may_draw(said, source, useless ? kInFull : kOfOneSource, pressed, draw.depth > 1, now_ns);
  if (draw.draws && credit > 0) {
    credit--;
    return false;
  }
  if (has_room(own, draw, now_ns) && has_room(all, draw, now_ns)) {
    if (!draw.draws) return false;
    charge(own, draw.side, now_ns);
    charge(all, draw.side, now_ns);
    credit = kAhead - 1;
    return false;
  }
  if (source != nullptr) {  // what was refused was not drawn
    if (source->drawn > 0) source->drawn--;
    if (traffic_class == FW_CLASS_TCP_SYN && draw.draws && source->owes > 0) source->owes--;
  }
  return true;
}

bool Model::may_draw(const Said& said, Source* source, unsigned most, bool pressed, bool to_socket,
                     std::uint64_t now_ns) {
  if (source != nullptr) {
    source->drawn++;
    if (source->drawn > most && source->drawn % 64 != 0) return false;
    source->owes = std::min(source->owes + 1, kOwesAtMost);
  }
  if (!pressed) return true;
  const auto [at, fresh] = prefixes_.try_emplace(neighbourhood(said.remote));
  Source& prefix = at->second;
  begin_window(prefix, fresh, now_ns);
  if (prefix.drawn >= (to_socket ? 8 * kOfOneSource : kOfOneSource)) return false;
  prefix.drawn++;
  return true;
}

bool Model::has_room(const BudgetKey& key, const Draw& draw, std::uint64_t now_ns) {
  const auto& [address, port, traffic_class] = key;
  Budget& drawn = budget(key);
  const std::uint64_t half = burst(drawn, traffic_class, port != 0, draw) / 2;
  Bucket& owed = drawn.owed.at(draw.side);
  owed.scoop(tick_of(now_ns), 0);
  if (owed.level <= half) {
    if (draw.side == unfamiliar) drawn.below_half_ms = ms_of(now_ns);
    const bool was_short = draw.side == unfamiliar && drawn.exhausted_ms &&
                           ms_of(now_ns) - *drawn.exhausted_ms < kShortMs;
    if (draw.draws || !was_short) return true;
  } else {
    if (draw.draws && (owed.level <= 2 * half || is_fresh(key, drawn, draw.side, now_ns)))
      return true;
    if (draw.side == unfamiliar) drawn.exhausted_ms = ms_of(now_ns);
  }
  if (ms_of(now_ns) - drawn.told_ms < 10) return false;
  drawn.told_ms = ms_of(now_ns);
  under_load_until_ns_ = now_ns + 2'000'000'000;
  return false;
}

void Model::charge(const BudgetKey& key, Side side, std::uint64_t now_ns) {
  const auto& [address, port, traffic_class] = key;
  Budget& drawn = budget(key);
  std::uint64_t cost = budgets.at(traffic_class).cost;
  if (side == familiar) cost /= 4;
  if (address == Address{}) cost /= 2;
  drawn.owed.at(side).level += cost * kAhead;
  drawn.roll(window_of(now_ns));
}

void Model::pay_back(const BudgetKey& key, std::uint64_t now_ns) {
  Budget& drawn = budget(key);
  if (++drawn.answers_to_pay_back < kAhead) return;
  drawn.roll(window_of(now_ns));
  drawn.answers += kAhead;
  drawn.answers_to_pay_back = 0;
  std::uint64_t cost = budgets[std::get<2>(key)].cost * kAhead;
  if (std::get<0>(key) == Address{}) cost /= 2;
  drawn.owed[unfamiliar].scoop(tick_of(now_ns), cost);
  drawn.owed[familiar].scoop(tick_of(now_ns), cost / 4);
}

void Model::refund_limit(Source& source, unsigned rule, unsigned metric, std::uint64_t now_ns) {
  if (metric >= FW_METRIC_COUNT || source.noted.erase(metric) != 0) return;
  source.buckets.at(metric).scoop(tick_of(now_ns), rules[rule].limits.at(metric).cost_q8 / 256);
}

void Model::refund(const Said& said, unsigned traffic_class, unsigned metric,
                   std::uint64_t now_ns) {
  const auto found = rule_of_port.find({said.proto == kUdp, said.local_port});
  const unsigned rule = found == rule_of_port.end() ? 0 : found->second;
  const auto around = prefix_key_of(said, false);
  if (const auto at = around ? sources_.find(*around) : sources_.end(); at != sources_.end())
    refund_limit(at->second, FW_RULE_OF_PREFIXES, metric, now_ns);
  const auto at = sources_.find(key_of(said, rule, false));
  if (at == sources_.end()) return;
  Source& source = at->second;
  refund_limit(source, rule, metric, now_ns);
  if (source.owes == 0) return;
  source.owes--;
  unsigned port = said.local_port;
  if (traffic_class == FW_CLASS_TCP_STRAY && !is_served(kTcp, port)) port = 0;
  pay_back({said.local, port, traffic_class}, now_ns);
  pay_back({{}, port != 0 ? 1U : 0U, traffic_class}, now_ns);
}

}  // namespace fw::test
