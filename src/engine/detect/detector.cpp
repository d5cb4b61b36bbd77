// SPDX-License-Identifier: MIT
#include "engine/detect/detector.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "datapath/address_key.hpp"
#include "datapath/datapath.hpp"
#include "engine/journal/measured.hpp"
#include "engine/journal/traffic.hpp"
#include "engine/journal/words.hpp"

namespace fw::engine {
namespace {

constexpr fw_class kRequests = FW_CLASS_UDP_NEW;  // to UDP services
constexpr std::uint16_t kAnyServed = 1;           // FW_ANY_SERVED of tables/
constexpr VectorKey kRequestsToServices{kRequests, {}, kAnyServed};
constexpr VectorKey kSynsToServices{FW_CLASS_TCP_SYN, {}, kAnyServed};

constexpr double kMeanOfRateS = 0.5;  // judgement: soon enough for the eye

double answered_pps(const fw_budget& budget, const Now& now) {
  constexpr double kWindowSeconds = static_cast<double>(1ULL << FW_WINDOW_SHIFT) / 1e9;
  const auto over = static_cast<std::uint32_t>(now.mono_ns >> FW_WINDOW_SHIFT) - 1;
  const std::uint32_t current = __atomic_load_n(&budget.window, __ATOMIC_RELAXED);
  const std::uint32_t answered = current == over       ? budget.answered
                                 : current == over + 1 ? budget.answered_before
                                                       : 0;
  return answered / kWindowSeconds;
}

}  // namespace

void Detector::begin() {
  signatures_.begin();
  count_on();
}

void Detector::count_on() {
  capacities_.begin();
  counters_ = datapath_->counters();
  const std::span<const fw_budget> budgets = datapath_->tables().budgets;
  refused_.assign(budgets.size(), 0);
  for (std::size_t i = 0; i < budgets.size(); i++) refused_[i] = budgets[i].refused;
  steps_.clear();
  resume_refunds();
}

void Detector::move_to(datapath::Datapath& datapath) {
  datapath_ = &datapath;
  signatures_.move_to(datapath);
  capacities_.move_to(datapath);
  count_on();
}

// Nothing is borne beyond the budgets: what is above them is dropped, and taken for an attack.
bool Detector::is_strict() const {
  return settings_.config.detect.capacity.value_or(0) <= 0;
}

void Detector::tick(const fw_counters& counters, const Now& now) {
  datapath_->drain_samples([this](const fw_sample& sample) {
    if (sink_) sink_(sample);
    samples_.add(sample);
    seen_.add(sample);
    senders_.add(sample);
  });
  samples_.advance(now.mono_ns);
  seen_.advance(now.mono_ns);
  capacities_.tick(now);
  Step step = step_since_last_tick(counters, now);
  step.matches = signatures_.update(counters, now);
  step.dropped += step.matches;
  step.sampled = step.dropped;
  for (const auto& [key, excess] : step.excess) step.sampled += excess.borne;
  steps_.push_back(step);
  while (steps_.front().at_ns + kSecond < now.mono_ns || steps_.front().at_ns > now.mono_ns)
    steps_.pop_front();
  look(now);
  const bool due = now.mono_ns - searched_ns_ >= kSearchNs;
  if (!attack_ && !alarms_.empty()) {
    open_attack(now);
    for (const auto& [key, excess] : alarms_) add_vector(key, now);
  }
  if (!attack_ && may_be_spoofed() && due) search(now);
  if (attack_)
    update_attack(step, now);
  else
    (void)senders_.tick(false, 0, {});
}

// What happens now, from the last second.
void Detector::look(const Now& now) {
  lately_.clear();
  for (const Step& step : steps_)
    for (const auto& [key, excess] : step.excess) lately_[key] += excess;
  const bool udp_suffers = std::ranges::any_of(capacities_.services(), [](const auto& each) {
    return each.first.traffic_class == kRequests && each.second.loop.restricted();
  });
  spoofed_ = new_sources_.is_flood() && (is_strict() || udp_suffers);
  if (!is_strict() && !udp_suffers) resume_refunds();
  answered_ = !is_strict() && rate_.is_far_above_usual(static_cast<std::uint64_t>(
                                  settings_.config.detect.capacity.value_or(0)));
  alarms_.clear();
  std::uint32_t attacked = spoofed_ || answered_ ? 1U << kRequests : 0U;
  for (const auto& [key, excess] : lately_) {
    if (is_alarm(key, excess)) alarms_[key] = excess;
    if (excess.refused > 0 ? !is_busy_service(key) : answers_others(key))
      attacked |= 1U << key.traffic_class;
  }
  if (!is_strict() && handshakes_.unfinished() > 0) {
    const VectorKey service = seen_.name(kSynsToServices);
    if (service.dst != Address{}) {  // a scan of closed ports names none
      alarms_[service];
      attacked |= 1U << FW_CLASS_TCP_SYN;
    }
  }
  if (answered_ || spoofed_) alarms_[seen_.name(kRequestsToServices)];
  if (attack_)
    for (const auto& [key, vector] : attack_->vectors)
      if (now.mono_ns - vector.last_ns < kQuietNs) attacked |= 1U << key.traffic_class;
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
    if ((attacked >> i & 1) != 0) samples_.set_under_attack(static_cast<fw_class>(i), now.mono_ns);
  requests_attacked_ = (attacked >> kRequests & 1) != 0;
  new_sources_.set_under_attack(requests_attacked_);
}

// Volume alone is no attack: not on a service that answers, nor on one that answers nobody (a
// collector says nothing about its senders), as long as it bears it.
bool Detector::is_alarm(const VectorKey& key, const Excess& excess) const {
  const std::uint64_t least_pps = least_attack_pps(key.traffic_class);
  // Of a service that answers nobody it is first seen how much its programs read.
  const bool is_tried = capacities_.is_tried(key) && !answers_others(key);
  if (excess.refused >= least_pps && !is_busy_service(key) && !is_tried) return true;
  if (key.port == 0) return false;
  const auto service = capacities_.services().find(key);
  const bool suffers = service != capacities_.services().end() && service->second.loop.restricted();
  if (suffers && excess.refused + excess.borne >= least_pps) return true;
  return excess.borne >= kBorneAttackPps && answers_others(key) &&
         static_cast<double>(excess.borne) - answered_by(key) >= kBorneAttackPps &&
         !seen_.is_transfer(key);
}

bool Detector::is_busy_service(const VectorKey& key) const {
  return key.traffic_class == kRequests && key.port != 0 && services_keep_up();
}

bool Detector::answers_others(const VectorKey& key) const {
  const std::size_t index = key.port + (key.traffic_class == kRequests ? 65'536U : 0U);
  const std::span<const fw_port_line> served = datapath_->tables().served;
  return key.port != 0 && index / FW_LINE_BYTES < served.size() &&
         (served[index / FW_LINE_BYTES].value[index % FW_LINE_BYTES] & FW_PORT_ANSWERS) != 0;
}

double Detector::answered_by(const VectorKey& key) const {
  const auto found = answered_by_.find(key);
  return found == answered_by_.end() ? 0 : found->second;
}

Detector::Step Detector::step_since_last_tick(const fw_counters& counters, const Now& now) {
  Step step;
  step.at_ns = now.mono_ns;
  answered_by_.clear();
  const std::span<const fw_budget> budgets = datapath_->tables().budgets;
  for (std::size_t i = 0; i < budgets.size() && i < refused_.size(); i++) {
    const fw_budget& budget = budgets[i];
    if (budget.used == 0) continue;
    const std::uint32_t total = std::atomic_ref(const_cast<fw_u32&>(budget.refused)).load();
    const std::uint64_t refused = total - std::exchange(refused_[i], total);
    if (budget.traffic_class >= FW_CLASS_COUNT) continue;
    const VectorKey key{static_cast<fw_class>(budget.traffic_class), from_key(budget.dst),
                        budget.port};
    if (budget.port != 0) answered_by_[key] += answered_pps(budget, now);
    if (refused == 0) continue;
    step.excess[seen_.name(key)].refused += refused;
    step.dropped += refused;
  }
  for (const auto& [key, service] : capacities_.services())
    if (service.passed > 0) step.excess[seen_.name(key)].borne += service.passed;
  for (std::size_t i = 0; i < FW_CLASS_COUNT; i++) {
    step.passed += counters.class_unverified[i] - counters_.class_unverified[i];
    step.new_sources += counters.class_new_sources[i] - counters_.class_new_sources[i];
  }
  step.answered = counters.class_answered[kRequests] - counters_.class_answered[kRequests];
  rate_.add(now.mono_ns, step.answered, requests_attacked_);
  handshakes_.add(
      now.mono_ns,
      counters.class_unverified[FW_CLASS_TCP_SYN] - counters_.class_unverified[FW_CLASS_TCP_SYN],
      counters.class_answered[FW_CLASS_TCP_SYN] - counters_.class_answered[FW_CLASS_TCP_SYN]);
  new_sources_.add(now.mono_ns,
                   counters.class_unverified[kRequests] - counters_.class_unverified[kRequests],
                   counters.class_new_sources[kRequests] - counters_.class_new_sources[kRequests]);
  const auto dropped = [](const fw_counters& c) {
    return c.packets[FW_REASON_BUDGET] + c.packets[FW_REASON_SIGNATURE] +
           c.packets[FW_REASON_LIMIT] + c.packets[FW_REASON_CHALLENGE] +
           c.packets[FW_REASON_RESTRICT] + c.packets[FW_REASON_SPOOFED];
  };
  for (unsigned i = 0; i < FW_REASON_COUNT; i++)
    if (fw_reason_drops(i) != 0 && counters.packets[i] > counters_.packets[i])
      step.by_reason[static_cast<fw_reason>(i)] = counters.packets[i] - counters_.packets[i];
  step.passed -= std::min<std::uint64_t>(step.passed, dropped(counters) - dropped(counters_));
  const Amount in = total(counters), in_before = total(counters_);
  const Amount gone = refused(counters), gone_before = refused(counters_);
  step.offered.packets = in.packets - in_before.packets;
  step.offered.bytes = in.bytes - in_before.bytes;
  step.offered.refused_packets = gone.packets - gone_before.packets;
  step.offered.refused_bytes = gone.bytes - gone_before.bytes;
  step.offered.verified =
      counters.packets[FW_REASON_VERIFIED] - counters_.packets[FW_REASON_VERIFIED];
  step.offered.handshakes =
      counters.class_answered[FW_CLASS_TCP_SYN] - counters_.class_answered[FW_CLASS_TCP_SYN];
  step.offered.answered = step.answered;
  counters_ = counters;
  return step;
}

bool Detector::services_keep_up() const {
  std::uint64_t answered = 0, excess = 0;
  for (const Step& step : steps_) answered += step.answered;
  for (const auto& [key, packets] : lately_)
    if (key.traffic_class == kRequests && key.port != 0) excess += packets.refused + packets.borne;
  constexpr std::uint64_t kFarMore = 2;  // judgement
  return answered > kFarMore * excess;
}

AttackRates Detector::rates_lately() const {
  AttackRates rates;
  for (const Step& step : steps_) {
    rates.dropped += step.dropped;
    rates.excess += step.dropped;
    for (const auto& [key, excess] : step.excess) rates.excess += excess.borne;
  }
  if (answered_) rates.answered = rate_.lately();
  if (!is_strict()) rates.unfinished = handshakes_.unfinished();
  return rates;
}

// Per second since the excess began, if that is known; the first step has a part of it only, unless
// a sample says from when on packets were refused.
std::optional<AttackRates> Detector::rates_since_begin(const Now& now) const {
  const auto is_excess = [](const Step& step) { return step.dropped > 0 || !step.excess.empty(); };
  auto at = std::ranges::find_if(steps_, is_excess);
  if (at == steps_.end()) return rates_lately();
  std::uint64_t begin_ns = at->at_ns;
  if (++at == steps_.end()) {
    --at;
    const std::uint64_t before_ns = at == steps_.begin() ? 0 : std::prev(at)->at_ns;
    const std::vector<fw_sample> refused = samples_.excess(before_ns);
    if (refused.empty() || refused.front().time_ns >= now.mono_ns) return std::nullopt;
    begin_ns = refused.front().time_ns;
  }
  constexpr std::uint64_t kLeastNs = 5 * kMillisecond;  // judgement: fewer packets tell no rate
  const double seconds = static_cast<double>(std::max(now.mono_ns - begin_ns, kLeastNs)) /
                         static_cast<double>(kSecond);
  std::uint64_t dropped = 0, borne = 0;
  for (; at != steps_.end(); ++at) {
    dropped += at->dropped;
    for (const auto& [key, excess] : at->excess) borne += excess.borne;
  }
  const auto per_second = [&](std::uint64_t packets) {
    return static_cast<std::uint64_t>(static_cast<double>(packets) / seconds);
  };
  AttackRates rates = rates_lately();
  rates.dropped = per_second(dropped);
  rates.excess = per_second(dropped + borne);
  return rates;
}

// Why an attack is one, in a word, and what suffers from it.
std::string Detector::suffering() const {
  if (!capacities_.host_suffering().empty()) return capacities_.host_suffering();
  for (const auto& [key, service] : capacities_.services())
    if (service.loop.restricted()) return text_of(key) + ": " + service.why;
  return "";
}

void Detector::open_attack(const Now& now) {
  attack_.emplace();
  attack_->id = fmt::format("{:%Y%m%d}-{}",
                            fmt::gmtime(std::chrono::system_clock::to_time_t(now.wall)), ++number_);
  attack_->since_ns = attack_->last_ns = now.mono_ns;
  attack_->suffering = suffering();
  senders_.begin(*attack_);
  limited_.clear();
  unlogged_.clear();
  start_is_logged_ = false;
  searched_ns_ = 0;
  unexplained_since_ns_ = spoofed_ ? now.mono_ns : 0;
}

void Detector::add_vector(const VectorKey& key, const Now& now) {
  Vector& vector = attack_->vectors[key];
  vector.last_ns = now.mono_ns;
  if (!std::exchange(vector.named, true)) unlogged_.push_back(key);
}

void Detector::log_vectors(EventType type, const Now& now) {
  AttackRates rates = rates_since_begin(now).value_or(rates_lately());
  rates.observed = settings_.observing();
  if (!unlogged_.empty())
    rates.budget = static_cast<std::uint64_t>(
        settings_.budgets.at(unlogged_.front().traffic_class).limit.value_or(0));
  start_is_logged_ = true;
  journal_.write(type, now, [&] { return details_of_vectors(*attack_, unlogged_, rates); });
  unlogged_.clear();
  logged_ns_ = now.mono_ns;
}

// What signatures dropped is of the vector of their class; of several, of the one with most.
void Detector::count_matches(Attack& attack) const {
  for (const auto& [slot, signature] : signatures_.all()) {
    if (signature.matches == 0) continue;
    auto most = attack.vectors.end();
    for (auto at = attack.vectors.begin(); at != attack.vectors.end(); ++at)
      if ((signature.found.classes >> at->first.traffic_class & 1) != 0 &&
          (most == attack.vectors.end() || at->second.refused > most->second.refused))
        most = at;
    if (most == attack.vectors.end()) continue;
    most->second.refused += signature.matches;
    most->second.by_signature += signature.matches;
    most->second.in_step += signature.matches;
  }
}

void Detector::note_source(const fw_event& event) {
  if (event.observed != 0 && !settings_.observing()) return;
  const fw_reason reason = event.kind == FW_EVENT_BAN        ? FW_REASON_BAN
                           : event.kind == FW_EVENT_RESTRICT ? FW_REASON_RESTRICT
                                                             : FW_REASON_LIMIT;
  if (event.traffic_class >= FW_CLASS_COUNT) return;
  VectorKey target{static_cast<fw_class>(event.traffic_class), from_key(event.dst), 0};
  if (fw_class_has_port(event.traffic_class) != 0 && is_served(event.proto, event.dport))
    target.port = target.traffic_class == FW_CLASS_OTHER ? event.proto : event.dport;
  const auto metric =
      event.metric < FW_METRIC_COUNT ? static_cast<fw_metric>(event.metric) : FW_METRIC_PACKETS;
  const std::uint64_t value = per_second(event.value, metric);
  const std::uint64_t length = metric == FW_METRIC_BYTES ? std::max(event.len_bytes, 1U) : 1;
  senders_.report({.source = {.address = from_key(event.src), .bits = event.prefix_bits},
                   .target = target,
                   .proto = event.proto,
                   .dport = event.dport,
                   .reason = reason,
                   .value = value,
                   .limit = per_second(event.limit, metric),
                   .metric = metric,
                   .pps = std::max<std::uint64_t>(1, value / length),
                   .of_prefix = event.rule == FW_RULE_OF_PREFIXES});
}

bool Detector::is_served(std::uint8_t proto, std::uint16_t port) const {
  const std::span<const fw_port_line> served = datapath_->tables().served;
  const std::size_t index = port + (proto == FW_IPPROTO_UDP ? 65'536U : 0U);
  return index / FW_LINE_BYTES < served.size() &&
         served[index / FW_LINE_BYTES].value[index % FW_LINE_BYTES] != FW_PORT_CLOSED;
}

void Detector::count_offered(Attack& attack, const Step& step) const {
  Offered& all = attack.offered;
  all.packets += step.offered.packets;
  all.bytes += step.offered.bytes;
  all.refused_packets += step.offered.refused_packets;
  all.refused_bytes += step.offered.refused_bytes;
  all.verified += step.offered.verified;
  all.handshakes += step.offered.handshakes;
  all.answered += step.offered.answered;
  std::uint64_t packets = 0, bytes = 0, refused = 0;
  for (const Step& each : steps_) {
    packets += each.offered.packets;
    bytes += each.offered.bytes;
    refused += each.offered.refused_packets;
  }
  all.peak_pps = std::max(all.peak_pps, packets);
  all.peak_bytes_per_s = std::max(all.peak_bytes_per_s, bytes);
  all.peak_refused_pps = std::max(all.peak_refused_pps, refused);
  for (const auto& [slot, signature] : signatures_.all()) {
    if (signature.matches == 0) continue;
    const std::string name = signature_name(signature.id);
    if (attack.signatures.size() >= Attack::kMaxSignatures && !attack.signatures.contains(name))
      continue;
    UsedSignature& used = attack.signatures[name];
    used.match = signature.found.text;
    used.packets += signature.matches;
  }
}

// What limits, restrictions and bans dropped is of the vector that the datapath reported. Of one
// that is no vector yet it makes one, if there is as much of it as of a flood.
void Detector::count_limited(Attack& attack, const Step& step, const Now& now) {
  for (const auto& [target, by_reason] : senders_.tick(true, step.sampled, step.by_reason)) {
    std::uint64_t packets = 0;
    for (const auto& [reason, each] : by_reason) packets += each;
    if (packets == 0) continue;
    const VectorKey key = seen_.name(target);
    if (!attack.vectors.contains(key)) {
      std::uint64_t& lately = limited_[key];
      lately += packets;
      if (lately < least_attack_pps(key.traffic_class) || attack.vectors.size() >= kMaxVectors)
        continue;
      packets = std::exchange(lately, 0);
      add_vector(key, now);
    }
    Vector& vector = attack.vectors[key];
    const auto ban = by_reason.find(FW_REASON_BAN);
    vector.refused += packets;
    if (ban != by_reason.end()) vector.by_ban += ban->second;
    vector.by_limit += packets - (ban == by_reason.end() ? 0 : std::min(packets, ban->second));
    vector.in_step += packets;
    vector.last_ns = now.mono_ns;
  }
}

void Detector::update_attack(const Step& step, const Now& now) {
  Attack& attack = *attack_;
  for (const auto& [key, excess] : step.excess) {
    if (!alarms_.contains(key) && !attack.vectors.contains(key) && excess.refused == 0) continue;
    Vector& vector = attack.vectors[key];
    const Excess& lately = lately_.at(key);
    vector.refused += excess.refused;
    vector.borne += excess.borne;
    vector.in_step += excess.refused + excess.borne;
    vector.peak_pps = std::max(vector.peak_pps, lately.refused + lately.borne);
    vector.last_ns = now.mono_ns;
    attack.borne += excess.borne;
  }
  count_matches(attack);
  count_offered(attack, step);
  count_limited(attack, step, now);
  if (now.mono_ns - sent_ns_ >= kSecond) {
    senders_.put_into(attack);
    sent_ns_ = now.mono_ns;
  }
  const double seconds = steps_.size() < 2
                             ? 0
                             : static_cast<double>(step.at_ns - std::prev(steps_.end(), 2)->at_ns) /
                                   static_cast<double>(kSecond);
  for (auto& [key, vector] : attack.vectors) {
    const auto packets = static_cast<double>(std::exchange(vector.in_step, 0));
    if (seconds > 0)
      vector.pps += std::min(1.0, seconds / kMeanOfRateS) * (packets / seconds - vector.pps);
    vector.peak_pps = std::max(vector.peak_pps, static_cast<std::uint64_t>(vector.pps));
  }
  for (const auto& [reason, packets] : step.by_reason) attack.by_reason[reason] += packets;
  attack.dropped += step.dropped;
  if (settings_.observing()) attack.observed += step.dropped;
  attack.passed += step.passed;
  attack.sources += step.new_sources;
  for (const auto& [key, excess] : alarms_) add_vector(key, now);
  if (!start_is_logged_ && (now.mono_ns > attack.since_ns || rates_since_begin(now)))
    log_vectors(EventType::attack_start, now);
  else if (start_is_logged_ && !unlogged_.empty() && now.mono_ns - logged_ns_ >= kLogVectorsNs)
    log_vectors(EventType::attack_vector, now);
  const AttackRates rates = rates_lately();
  attack.peak_pps = std::max(attack.peak_pps, rates.excess);
  if (attack.suffering.empty()) attack.suffering = suffering();
  constexpr std::uint64_t kGoesOnPps = 8;  // a slow flood may be all that a signature drops
  if (rates.dropped >= kGoesOnPps || !alarms_.empty()) attack.last_ns = now.mono_ns;
  if (now.mono_ns - attack.last_ns >= kQuietNs) {
    end_attack(std::exchange(attack_, std::nullopt).value(), now);
    return;
  }
  if (now.mono_ns - searched_ns_ >= kSearchNs) search(now);
}

void Detector::end_attack(Attack attack, const Now& now) {
  attack.end_ns = attack.last_ns;
  senders_.put_into(attack);
  signatures_.permit_removed();
  resume_refunds();
  journal_.write(EventType::attack_end, now, [&] { return details_of_end(attack); });
  past_.push_back(std::move(attack));
  if (past_.size() > kMaxPast) past_.pop_front();
}

}  // namespace fw::engine
