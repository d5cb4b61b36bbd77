// SPDX-License-Identifier: MIT
// Attacks and signatures that outlive the daemon. A signature is written as its fields, so that a
// version that lays the match key out otherwise reads the same one.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/detect/detector.hpp"
#include "engine/journal/words.hpp"
#include "engine/kept/kept_text.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kAttack = "attack";
constexpr std::string_view kSignature = "signature";
constexpr const char* kNumbers = "numbers";

// Far more than can begin in the second that a crash loses. Judgement.
constexpr unsigned kAttacksAhead = 16;
constexpr unsigned kSignaturesAhead = 4 * FW_MAX_SIGNATURES;

constexpr auto kMost32 = std::numeric_limits<std::uint32_t>::max();
constexpr auto kMost64 = std::numeric_limits<std::int64_t>::max();

std::int64_t ms_of(std::uint64_t mono_ns, const Now& now) {
  return wall_ms(wall_at(now, mono_ns));
}

// ------------------------------------------------------------------- attacks

Json json_of(const VectorKey& key, const Vector& vector) {
  return {{"class", class_word(key.traffic_class)},
          {"dst", key.dst.text()},
          {"port", key.port},
          {"refused", vector.refused},
          {"borne", vector.borne},
          {"by_signature", vector.by_signature},
          {"by_limit", vector.by_limit},
          {"by_ban", vector.by_ban},
          {"peak_pps", vector.peak_pps}};
}

Json json_of(const std::vector<Sender>& senders) {
  Json rows = Json::array();
  for (const Sender& sender : senders)
    rows.push_back({{"source", sender.source.text()},
                    {"packets", sender.packets},
                    {"surplus", sender.surplus},
                    {"proto", sender.proto},
                    {"dport", sender.dport},
                    {"value", sender.value},
                    {"limit", sender.limit},
                    {"metric", static_cast<unsigned>(sender.metric)},
                    {"proven", sender.proven}});
  return rows;
}

Json json_of(const Offered& offered) {
  return {{"packets", offered.packets},
          {"bytes", offered.bytes},
          {"refused_packets", offered.refused_packets},
          {"refused_bytes", offered.refused_bytes},
          {"peak_pps", offered.peak_pps},
          {"peak_bytes_per_s", offered.peak_bytes_per_s},
          {"peak_refused_pps", offered.peak_refused_pps},
          {"verified", offered.verified},
          {"handshakes", offered.handshakes},
          {"answered", offered.answered}};
}

std::string text_of(const Attack& attack, const KeptClock& clock, const Now& now) {
  Json vectors = Json::array();
  for (const auto& [key, vector] : attack.vectors) vectors.push_back(json_of(key, vector));
  Json reasons = Json::array(), signatures = Json::array(), targets = Json::array();
  for (const auto& [reason, packets] : attack.by_reason)
    reasons.push_back({{"name", reason_word(reason)}, {"packets", packets}});
  for (const auto& [name, used] : attack.signatures)
    signatures.push_back({{"name", name}, {"match", used.match}, {"packets", used.packets}});
  for (const Address& target : attack.targets) targets.push_back({{"name", target.text()}});
  return kept_text({{"since_ms", ms_of(attack.since_ns, now)},
                    {"end_ms", attack.end_ns == 0 ? 0 : ms_of(attack.end_ns, now)},
                    {"last_ns", clock.kept_ns(static_cast<std::int64_t>(attack.last_ns))},
                    {"last_ms", ms_of(attack.last_ns, now)},
                    {"dropped", attack.dropped},
                    {"passed", attack.passed},
                    {"sources", attack.sources},
                    {"borne", attack.borne},
                    {"observed", attack.observed},
                    {"peak_pps", attack.peak_pps},
                    {"suffering", attack.suffering},
                    {"capture", attack.capture},
                    {"offered", json_of(attack.offered)},
                    {"senders", json_of(attack.senders)},
                    {"prefixes", json_of(attack.prefixes)},
                    {"reasons", std::move(reasons)},
                    {"signatures", std::move(signatures)},
                    {"targets", std::move(targets)},
                    {"vectors", std::move(vectors)}});
}

std::optional<fw_class> class_named(const std::string& word) {
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
    if (class_word(static_cast<fw_class>(i)) == word) return static_cast<fw_class>(i);
  return std::nullopt;
}

std::vector<Sender> senders_of(const KeptText& text, const char* name) {
  std::vector<Sender> senders;
  for (const KeptText& each : text.list(name)) {
    const Result<Prefix> source = Prefix::parse(each.text("source"));
    if (!source) continue;
    senders.push_back({.source = *source,
                       .packets = each.count("packets", kMost64),
                       .surplus = each.count("surplus", kMost64),
                       .proto = static_cast<std::uint8_t>(each.count("proto", 255)),
                       .dport = static_cast<std::uint16_t>(each.count("dport", 65'535)),
                       .value = each.count("value", kMost64),
                       .limit = each.count("limit", kMost64),
                       .metric = static_cast<fw_metric>(each.count("metric", FW_METRIC_COUNT - 1)),
                       .proven = each.flag("proven")});
  }
  return senders;
}

Offered offered_of(const KeptText& text) {
  return {.packets = text.count("packets", kMost64),
          .bytes = text.count("bytes", kMost64),
          .refused_packets = text.count("refused_packets", kMost64),
          .refused_bytes = text.count("refused_bytes", kMost64),
          .peak_pps = text.count("peak_pps", kMost64),
          .peak_bytes_per_s = text.count("peak_bytes_per_s", kMost64),
          .peak_refused_pps = text.count("peak_refused_pps", kMost64),
          .verified = text.count("verified", kMost64),
          .handshakes = text.count("handshakes", kMost64),
          .answered = text.count("answered", kMost64)};
}

std::optional<fw_reason> reason_named(const std::string& word) {
  for (unsigned i = 0; i < FW_REASON_COUNT; i++)
    if (reason_word(static_cast<fw_reason>(i)) == word) return static_cast<fw_reason>(i);
  return std::nullopt;
}

Attack attack_of(std::string_view id, const KeptText& text, const Now& now) {
  Attack attack;
  attack.id = id;
  attack.since_ns = mono_of_wall_ms(text.number("since_ms"), now);
  attack.last_ns = mono_of_wall_ms(text.number("last_ms"), now);
  if (const std::int64_t end_ms = text.number("end_ms"); end_ms != 0)
    attack.end_ns = mono_of_wall_ms(end_ms, now);
  attack.dropped = text.count("dropped", kMost64);
  attack.passed = text.count("passed", kMost64);
  attack.sources = text.count("sources", kMost64);
  attack.borne = text.count("borne", kMost64);
  attack.observed = text.count("observed", kMost64);
  attack.peak_pps = text.count("peak_pps", kMost64);
  attack.suffering = text.text("suffering");
  attack.capture = text.text("capture");
  if (const auto offered = text.object("offered")) attack.offered = offered_of(*offered);
  attack.senders = senders_of(text, "senders");
  attack.prefixes = senders_of(text, "prefixes");
  for (const KeptText& each : text.list("reasons"))
    if (const auto reason = reason_named(each.text("name")))
      attack.by_reason[*reason] = each.count("packets", kMost64);
  for (const KeptText& each : text.list("signatures"))
    attack.signatures[each.text("name")] = {.match = each.text("match"),
                                            .packets = each.count("packets", kMost64)};
  for (const KeptText& each : text.list("targets"))
    if (const Result<Address> target = Address::parse(each.text("name")))
      attack.targets.push_back(*target);
  for (const KeptText& each : text.list("vectors")) {
    const auto traffic_class = class_named(each.text("class"));
    const Result<Address> dst = Address::parse(each.text("dst"));
    if (!traffic_class || !dst) continue;
    const auto port = static_cast<std::uint16_t>(each.count("port", 65'535));
    attack.vectors[{.traffic_class = *traffic_class, .dst = *dst, .port = port}] = {
        .refused = each.count("refused", kMost64),
        .by_signature = each.count("by_signature", kMost64),
        .by_limit = each.count("by_limit", kMost64),
        .by_ban = each.count("by_ban", kMost64),
        .borne = each.count("borne", kMost64),
        .peak_pps = each.count("peak_pps", kMost64),
        .last_ns = attack.last_ns};
  }
  return attack;
}

// ------------------------------------------------------------------- signatures

std::string text_of(const ActiveSignature& signature, const KeptClock& clock, const Now& now) {
  const fw_signature& match = signature.found.signature;
  Json fields = Json::array();
  for (const FieldPlace& place : field_places()) {
    const std::uint64_t all = ~std::uint64_t{0} >> (64 - place.bits);
    const std::uint64_t mask = match.mask.word[place.word] >> place.shift & all;
    if (mask == 0) continue;
    const auto bits = place.bits - static_cast<unsigned>(std::countr_zero(mask));
    const std::uint64_t value = match.value.word[place.word] >> place.shift & all;
    fields.push_back({{"name", place.name},
                      {"bits", bits},
                      {"value", fmt::format("{:x}", value >> (place.bits - bits))}});
  }
  Json classes = Json::array();
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
    if ((signature.found.classes >> i & 1) != 0)
      classes.push_back({{"name", class_word(static_cast<fw_class>(i))}});
  return kept_text({{"attack", signature.attack},
                    {"proto", protocol_of(match)},
                    {"fields", std::move(fields)},
                    {"classes", std::move(classes)},
                    {"explains", signature.found.excess_share},
                    {"baseline", signature.found.baseline_share},
                    {"since_ms", ms_of(signature.since_ns, now)},
                    {"excess_ns", clock.kept_ns(static_cast<std::int64_t>(signature.excess_ns))},
                    {"peak_pps", signature.peak_pps},
                    {"pinned", signature.pinned}});
}

std::optional<MatchField> field_of(const KeptText& text) {
  const auto places = field_places();
  const auto place = std::ranges::find(places, text.text("name"), &FieldPlace::name);
  if (place == places.end()) return std::nullopt;
  const auto bits = static_cast<unsigned>(text.count("bits", place->bits));
  std::uint64_t value = 0;
  const std::string hex = text.text("value");
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
  const bool fits = bits > 0 && (bits == 64 || value >> bits == 0);
  if (error != std::errc{} || end != hex.data() + hex.size() || !fits) return std::nullopt;
  return MatchField{.field = place->field, .bits = bits, .value = value};
}

// None: a field or class that this version does not know. Without it the signature would match
// more than was meant.
std::optional<ActiveSignature> signature_of(std::string_view name, const KeptText& text,
                                            const KeptClock& clock, const Now& now) {
  ActiveSignature signature;
  name.remove_prefix(1);  // "s"
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), signature.id);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  fw_signature match = protocol_signature(static_cast<std::uint8_t>(text.count("proto", 255)));
  for (const KeptText& each : text.list("fields")) {
    const auto field = field_of(each);
    if (!field) return std::nullopt;
    add_field(match, *field);
  }
  for (const KeptText& each : text.list("classes")) {
    const auto traffic_class = class_named(each.text("name"));
    if (!traffic_class) return std::nullopt;
    signature.found.classes |= 1U << *traffic_class;
  }
  signature.found.signature = match;
  signature.found.text = describe(match);
  signature.found.excess_share = text.real("explains");
  signature.found.baseline_share = text.real("baseline");
  signature.attack = text.text("attack");
  signature.pinned = text.flag("pinned");
  signature.peak_pps = text.real("peak_pps");
  signature.since_ns = mono_of_wall_ms(text.number("since_ms"), now);
  signature.last_match_ns = now.mono_ns;
  const std::int64_t excess_ns = clock.mono_ns(text.number("excess_ns"));
  signature.excess_ns = excess_ns > 0 ? static_cast<std::uint64_t>(excess_ns) : 0;
  return signature;
}

}  // namespace

void Detector::take_changes(const KeptClock& clock, const Now& now, bool last, FewRows& few,
                            KeptRows& changes) const {
  const auto row_of = [](const Attack& attack) { return fmt::format("{} {}", kAttack, attack.id); };
  for (const Attack& attack : past_)
    if (const std::string name = row_of(attack); !few.has_final(name))
      few.put(name, text_of(attack, clock, now), changes, true);
  if (attack_) few.put(row_of(*attack_), text_of(*attack_, clock, now), changes);
  for (const auto& [slot, signature] : signatures_.all())
    few.put(fmt::format("{} {}", kSignature, signature_name(signature.id)),
            text_of(signature, clock, now), changes);
  few.put(kNumbers,
          kept_text({{"attack", number_ + (last ? 0 : kAttacksAhead)},
                     {"signature", signatures_.last_id() + (last ? 0 : kSignaturesAhead)}}),
          changes);
}

void Detector::restore(const KeptRows& rows, const KeptClock& clock, const Now& now, FewRows& few,
                       Restored& restored) {
  for (const KeptRow& row : rows) {
    const auto attack_id = name_of(row.name, kAttack);
    const auto signature = name_of(row.name, kSignature);
    if (!attack_id && !signature && row.name != kNumbers) continue;
    few.found(row.name);
    const auto text = KeptText::parse(row);
    if (!text) {
      ++restored.unreadable;
    } else if (attack_id) {
      past_.push_back(attack_of(*attack_id, *text, now));
      const std::int64_t last_ns = clock.mono_ns(text->number("last_ns"));
      if (past_.back().end_ns == 0 && last_ns > 0)
        past_.back().last_ns = static_cast<std::uint64_t>(last_ns);
      ++restored.attacks;
    } else if (signature) {
      const auto found = signature_of(*signature, *text, clock, now);
      restored.unreadable += found ? 0 : 1;
      if (found && signatures_.restore(*found, now)) ++restored.signatures;
    } else {
      number_ = std::max(number_, static_cast<unsigned>(text->count("attack", kMost32)));
      signatures_.count_on_from(static_cast<unsigned>(text->count("signature", kMost32)));
    }
  }
  std::ranges::sort(past_, {}, [&](const Attack& attack) { return wall_at(now, attack.since_ns); });
  while (past_.size() > kMaxPast) past_.pop_front();
  for (Attack& attack : past_) {
    if (attack.end_ns != 0) continue;
    const bool may_last = &attack == &past_.back() && attack.last_ns <= now.mono_ns &&
                          now.mono_ns - attack.last_ns < kQuietNs;
    if (may_last) {
      attack_ = std::move(attack);
      past_.pop_back();
      senders_.begin(*attack_);
      return;
    }
    attack.end_ns = attack.last_ns;  // the daemon died in it
    journal_.write(EventType::attack_end, now, [&] { return details_of_end(attack); });
  }
}

void Detector::number_anew(const Now& now) {
  const auto day = std::chrono::floor<std::chrono::days>(now.wall);
  // Attacks are further apart than a second, so no earlier one of this day has such a number.
  number_ = static_cast<unsigned>(
      std::chrono::duration_cast<std::chrono::seconds>(now.wall - day).count());
}

void Detector::slept(std::uint64_t span_ns) {
  for (Attack& attack : past_) {
    attack.since_ns -= span_ns;
    attack.last_ns -= span_ns;
    attack.end_ns -= span_ns;
  }
}

}  // namespace fw::engine
