// SPDX-License-Identifier: MIT
// The model of signatures and budgets. Each constant is the policy's of about the same name
// (policy/budgets.h, tables/budget_table.h), where its origin is stated.
#include <algorithm>

#include "oracle/model.hpp"

namespace fw::test {
namespace {

constexpr unsigned kBatch = 8;       // packets whose tokens are taken at a time
constexpr unsigned kPerSource = 16;  // quota of a source, or of a prefix, in a window
constexpr unsigned kUnlimited = ~0U;
constexpr unsigned kUnrefundedMost = 15;
constexpr std::uint64_t kBurstMost = 1ULL << 35;  // ticks: 9 minutes
constexpr unsigned kExhaustedMs = 1000;  // sources over their quota are refused for so long
constexpr unsigned kAnswerMs = 8;
constexpr unsigned kFlushMs = 10;
constexpr std::uint64_t kUnderLoadNs = 2'000'000'000;
constexpr unsigned kKnownAge = 4;

std::uint64_t window_of(std::uint64_t now_ns) {
  return now_ns / (1ULL << 30);
}
std::uint64_t tick_of(std::uint64_t now_ns) {
  return now_ns / 16;
}
std::uint64_t ms_of(std::uint64_t now_ns) {
  return now_ns / (1ULL << 20);
}

unsigned local_port_of(const Datagram& datagram) {
  return (datagram.proto == FW_IPPROTO_TCP || datagram.proto == FW_IPPROTO_UDP) &&
                 !datagram.later_fragment
             ? datagram.local_port
             : 0;
}

bool is_by_port(unsigned traffic_class) {
  return traffic_class == FW_CLASS_TCP_SYN || traffic_class == FW_CLASS_TCP_STRAY ||
         traffic_class == FW_CLASS_UDP_NEW;
}

Prefix fair_prefix(const Address& address) {
  const unsigned bits = address.is_v4() ? 120 : 48;
  return {.address = masked(address, bits), .bits = bits};
}

}  // namespace

bool Signature::matches(const Datagram& datagram) const {
  const auto is = [](const std::optional<unsigned>& wanted, unsigned value) {
    return !wanted || *wanted == value;
  };
  return is(ttl, datagram.ttl) && is(flags, datagram.flags) &&
         is(remote_port, datagram.remote_port) && is(local_port, datagram.local_port);
}

Model::Budget& Model::budget_of(const BudgetKey& key) {
  budgets_used_.insert(key);
  return budgets_[key];
}

void Model::Budget::roll(std::uint64_t now) {
  if (now == window) return;
  answered_before = now == window + 1 ? answered : 0;
  answered = 0;
  window = now;
}

bool Model::is_served(unsigned proto, unsigned port) const {
  return served_.contains({proto, port}) || listening.contains({proto, port});
}

// Nobody here asked for the datagram; or a service that answers others leaves its source
// unanswered.
bool Model::is_unsolicited(const Datagram& datagram, unsigned traffic_class,
                           const Source* source) const {
  if (!egress_seen_) return false;
  if (traffic_class == FW_CLASS_TCP_STRAY || traffic_class == FW_CLASS_UDP_REFLECTED) return true;
  if (traffic_class != FW_CLASS_UDP_NEW) return false;
  if (!is_served(FW_IPPROTO_UDP, local_port_of(datagram))) return true;
  return served_.contains({FW_IPPROTO_UDP, local_port_of(datagram)}) && source != nullptr &&
         source->unrefunded == kUnrefundedMost;
}

std::uint64_t Model::burst(const Budget& budget, unsigned traffic_class, bool served,
                           const Request& request) const {
  const BudgetLimit& limit = budget_limits.at(traffic_class);
  const std::uint64_t most = (served ? limit.served_burst : limit.burst) * request.burst_factor;
  const std::uint64_t answers = std::max(budget.answered, budget.answered_before);
  const unsigned part = budget.answered_before == 0 ? 1 : request.burst_factor > 1 ? 4 : 8;
  return std::min(most + answers / part * limit.cost, kBurstMost);
}

// More than half has been used for so short a time that the service may still answer.
bool Model::burst_is_available(const BudgetKey& key, const Budget& budget, Side side,
                               std::uint64_t now_ns) {
  const auto& [address, port, traffic_class] = key;
  return traffic_class == FW_CLASS_UDP_NEW && port != 0 && side == of_new &&
         ms_of(now_ns) - budget.below_half_ms < kAnswerMs &&
         budget.buckets.at(side).used <= 4 * budget_limits.at(traffic_class).served_burst;
}

bool Model::is_over_budget(const Datagram& datagram, const Verdict& verdict, std::uint64_t now_ns) {
  const unsigned traffic_class = verdict.traffic_class, port = local_port_of(datagram);
  const auto limit = budget_limits.find(traffic_class);
  if (limit == budget_limits.end() || limit->second.cost == 0) return false;

  const SourceKey key = key_of(datagram, verdict.rule, false);
  const auto found = sources_.find(key);
  Source* source =
      !may_be_peer(datagram.remote) || found == sources_.end() ? nullptr : &found->second;
  const bool unsolicited = is_unsolicited(datagram, traffic_class, source);
  const bool has_verified_flow = source != nullptr && has_verified_entry(key, now_ns);

  const bool is_known =
      source != nullptr && traffic_class != FW_CLASS_TCP_SYN && source->age >= kKnownAge;
  const bool by_port = (datagram.proto == FW_IPPROTO_TCP || datagram.proto == FW_IPPROTO_UDP) &&
                       is_by_port(traffic_class) && is_served(datagram.proto, port);
  Request request{.side = has_verified_flow || is_known ? of_known : of_new};
  if (traffic_class == FW_CLASS_UDP_NEW && listening.contains({FW_IPPROTO_UDP, port}))
    request.burst_factor = large_rcvbuf.contains({FW_IPPROTO_UDP, port}) ? 32 : 8;

  const BudgetKey own{datagram.local, by_port ? port : 0, traffic_class},
      all{{}, by_port ? 1U : 0U, traffic_class};
  Budget& budget = budget_of(own);
  Bucket& bucket = budget.buckets.at(request.side);
  bucket.advance(tick_of(now_ns));
  unsigned& credit = budget.credit.at(request.side);
  const std::uint64_t half = burst(budget, traffic_class, by_port && port != 0, request) / 2;
  const bool nothing_left = bucket.used > 2 * half && credit == 0;
  const bool prefix_has_quota =
      bucket.used > half && !nothing_left && !burst_is_available(own, budget, request.side, now_ns);
  request.within_quota =
      count_towards_quota(datagram, source, unsolicited ? kUnlimited : kPerSource, prefix_has_quota,
                          request.burst_factor > 1, now_ns);
  if (request.within_quota && credit > 0) {
    credit--;
    return false;
  }
  if (admits(own, request, now_ns) && admits(all, request, now_ns)) {
    if (!request.within_quota) return false;
    take_batch(own, request.side, now_ns);
    take_batch(all, request.side, now_ns);
    credit = kBatch - 1;
    return false;
  }
  if (source != nullptr) {  // a refused packet does not count towards the quota
    if (source->taken > 0) source->taken--;
    if (traffic_class == FW_CLASS_TCP_SYN && request.within_quota && source->unrefunded > 0)
      source->unrefunded--;
  }
  return true;
}

bool Model::count_towards_quota(const Datagram& datagram, Source* source, unsigned quota,
                                bool prefix_has_quota, bool to_socket, std::uint64_t now_ns) {
  if (source != nullptr) {
    source->taken++;
    if (source->taken > quota && source->taken % 64 != 0) return false;
    source->unrefunded = std::min(source->unrefunded + 1, kUnrefundedMost);
  }
  if (!prefix_has_quota) return true;
  const auto [at, is_new] = prefixes_.try_emplace(fair_prefix(datagram.remote));
  Source& prefix = at->second;
  begin_window(prefix, is_new, FW_CLASS_OTHER, now_ns);  // its age is of no use
  if (prefix.taken >= (to_socket ? 8 * kPerSource : kPerSource)) return false;
  prefix.taken++;
  return true;
}

bool Model::admits(const BudgetKey& key, const Request& request, std::uint64_t now_ns) {
  const auto& [address, port, traffic_class] = key;
  Budget& budget = budget_of(key);
  const std::uint64_t half = burst(budget, traffic_class, port != 0, request) / 2;
  Bucket& bucket = budget.buckets.at(request.side);
  bucket.advance(tick_of(now_ns));
  if (bucket.used <= half) {
    if (request.side == of_new) budget.below_half_ms = ms_of(now_ns);
    const bool was_exhausted = request.side == of_new && budget.exhausted_ms &&
                               ms_of(now_ns) - *budget.exhausted_ms < kExhaustedMs;
    if (request.within_quota || !was_exhausted) return true;
  } else {
    if (request.within_quota &&
        (bucket.used <= 2 * half || burst_is_available(key, budget, request.side, now_ns)))
      return true;
    if (request.side == of_new) budget.exhausted_ms = ms_of(now_ns);
  }
  if (ms_of(now_ns) - budget.flushed_ms < kFlushMs) return false;
  budget.flushed_ms = ms_of(now_ns);
  under_load_until_ns_[traffic_class] = now_ns + kUnderLoadNs;
  return false;
}

void Model::take_batch(const BudgetKey& key, Side side, std::uint64_t now_ns) {
  const auto& [address, port, traffic_class] = key;
  Budget& budget = budget_of(key);
  std::uint64_t cost = budget_limits.at(traffic_class).cost;
  if (side == of_known) cost /= 4;
  if (address == Address{}) cost /= 2;
  budget.buckets.at(side).used += cost * kBatch;
  budget.roll(window_of(now_ns));
}

void Model::refund_budget(const BudgetKey& key, std::uint64_t now_ns) {
  if (std::get<0>(key) != Address{} && !budgets_.contains(key)) return;
  Budget& budget = budget_of(key);
  if (++budget.pending_refunds < kBatch) return;
  budget.roll(window_of(now_ns));
  budget.answered += kBatch;
  budget.pending_refunds = 0;
  std::uint64_t cost = budget_limits[std::get<2>(key)].cost * kBatch;
  if (std::get<0>(key) == Address{}) cost /= 2;
  budget.buckets[of_new].refund(tick_of(now_ns), cost);
  budget.buckets[of_known].refund(tick_of(now_ns), cost / 4);
}

void Model::refund_limit(Source& source, unsigned rule, unsigned metric, std::uint64_t now_ns) {
  if (metric >= FW_METRIC_COUNT) return;
  const bool is_deferred = source.deferred.contains(metric);
  if (!source.deferred.empty() && !is_deferred) return;  // another packet, or refunded already
  const std::uint64_t counted_in = is_deferred ? window_of(source.deferred_ns) : source.seen_window;
  for (const unsigned each : {metric, unsigned{FW_METRIC_PACKETS}}) {
    auto& by_window = source.by_window.at(each);
    if (std::uint64_t& count = by_window[counted_in]; count > 0)
      count--;
    else if (std::uint64_t& before = by_window[counted_in - 1]; before > 0)
      before--;
    if (source.deferred.erase(each) != 0) continue;
    source.buckets.at(each).refund(tick_of(now_ns), rules[rule].limits.at(each).cost_q8 / 256);
  }
}

void Model::refund(const Datagram& datagram, unsigned traffic_class, unsigned metric,
                   std::uint64_t now_ns) {
  const auto found = rule_of_port.find({datagram.proto == FW_IPPROTO_UDP, datagram.local_port});
  const unsigned rule = found == rule_of_port.end() ? 0 : found->second;
  const auto prefix_key = prefix_key_of(datagram, false);
  if (const auto at = prefix_key ? sources_.find(*prefix_key) : sources_.end();
      at != sources_.end())
    refund_limit(at->second, FW_RULE_OF_PREFIXES, metric, now_ns);
  const auto at = sources_.find(key_of(datagram, rule, false));
  if (at == sources_.end()) return;
  Source& source = at->second;
  refund_limit(source, rule, metric, now_ns);
  if (source.unrefunded == 0) return;
  source.unrefunded--;
  unsigned port = datagram.local_port;
  if (traffic_class == FW_CLASS_TCP_STRAY && !is_served(FW_IPPROTO_TCP, port)) port = 0;
  refund_budget({datagram.local, port, traffic_class}, now_ns);
  refund_budget({{}, port != 0 ? 1U : 0U, traffic_class}, now_ns);
}

}  // namespace fw::test
