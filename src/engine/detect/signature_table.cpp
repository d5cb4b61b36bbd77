// SPDX-License-Identifier: MIT
#include "engine/detect/signature_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/words.hpp"
#include "datapath/datapath.hpp"
#include "engine/detect/attack.hpp"
#include "engine/journal/words.hpp"

namespace fw::engine {
namespace {

std::string classes_in_words(std::uint32_t classes) {
  std::string out;
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++) {
    if ((classes >> i & 1) == 0) continue;
    if (!out.empty()) out += ',';
    out += class_word(static_cast<fw_class>(i));
  }
  return out;
}

// Of the class whose floods are slowest.
double least_pps(std::uint32_t classes) {
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
    if ((classes >> i & 1) != 0)
      least = std::min(least, least_attack_pps(static_cast<fw_class>(i)));
  return static_cast<double>(least);
}

constexpr double kMeanNs = 0.3 * kSecond;  // judgement: of the rate of matches

}  // namespace

std::string signature_name(unsigned id) {
  return fmt::format("s{}", id);
}

void SignatureTable::begin() {
  counted_ = std::to_array(datapath_->counters().signature_packets);
  for (std::size_t slot = 0; slot < FW_MAX_SIGNATURES; slot++) set_bits(slot, 0);
  slots_.clear();
}

void SignatureTable::move_to(datapath::Datapath& datapath) {
  datapath_ = &datapath;
  const Slots in_force = std::exchange(slots_, {});
  begin();
  slots_ = in_force;
  for (auto& slot : slots_) write(slot);
}

void SignatureTable::write(Slots::value_type& slot) {
  const auto& [at, signature] = slot;
  const std::span<fw_signature> table = datapath_->tables().signatures;
  if (at >= table.size()) return;
  table[at] = signature.found.signature;
  set_end(slot, signature.pinned ? 0 : signature.excess_ns + kHoldNs);
  counted_[at] = datapath_->counters().signature_packets[at];
  set_bits(at, signature.found.classes);
}

bool SignatureTable::restore(ActiveSignature signature, const Now& now) {
  if (!signature.pinned &&
      (signature.excess_ns > now.mono_ns || now.mono_ns - signature.excess_ns > kHoldNs))
    return false;
  std::size_t slot = 0;
  while (slots_.contains(slot)) slot++;
  if (slot >= datapath_->tables().signatures.size()) return false;
  count_on_from(signature.id);
  write(*slots_.emplace(slot, std::move(signature)).first);
  return true;
}

// The bits of a slot are set after its signature was written, and cleared before the slot is
// written again: the datapath never compares with half a signature.
void SignatureTable::set_bits(std::size_t slot, std::uint32_t classes) {
  fw_signature_set* set = datapath_->tables().signature_set.data();
  if (set == nullptr) return;
  const std::uint64_t bit = 1ULL << slot;
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++) {
    const std::atomic_ref<fw_u64> active(set->active[i]);
    if ((classes >> i & 1) != 0)
      active.fetch_or(bit, std::memory_order_release);
    else
      active.fetch_and(~bit, std::memory_order_release);
  }
}

void SignatureTable::set_end(Slots::value_type& slot, std::uint64_t until_ns) {
  const std::span<fw_signature> table = datapath_->tables().signatures;
  slot.second.until_ns = until_ns;
  if (slot.first < table.size())
    std::atomic_ref<fw_u64>(table[slot.first].until_ns).store(until_ns);
}

std::size_t SignatureTable::repair() {
  const std::span<fw_signature> table = datapath_->tables().signatures;
  const fw_signature_set* set = datapath_->tables().signature_set.data();
  if (set == nullptr) return 0;
  std::size_t repairs = 0;
  for (std::size_t slot = 0; slot < table.size(); slot++) {
    std::uint32_t classes = 0;
    for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
      classes |= static_cast<std::uint32_t>(set->active[i] >> slot & 1) << i;
    const auto known = slots_.find(slot);
    if (known == slots_.end()) {
      if (classes == 0) continue;
      set_bits(slot, 0);
    } else {
      fw_signature wanted = known->second.found.signature;
      wanted.until_ns = known->second.until_ns;
      const bool is_same = std::memcmp(&wanted, &table[slot], sizeof wanted) == 0;
      if (is_same && classes == known->second.found.classes) continue;
      set_bits(slot, 0);
      table[slot] = wanted;
      set_bits(slot, known->second.found.classes);
    }
    repairs++;
  }
  return repairs;
}

bool SignatureTable::put(const FoundSignature& found, const std::string& attack, const Now& now) {
  const auto same = [&](const auto& slot) {
    return slot.second.found.text == found.text && slot.second.found.classes == found.classes;
  };
  if (std::ranges::any_of(slots_, same) ||
      std::ranges::find(removed_, found.text) != removed_.end())
    return false;
  std::size_t slot = 0;
  while (slots_.contains(slot)) slot++;
  const std::span<fw_signature> table = datapath_->tables().signatures;
  if (slot >= table.size()) return false;
  ActiveSignature& signature = slots_[slot];
  signature = {.id = ++last_id_,
               .attack = attack,
               .found = found,
               .since_ns = now.mono_ns,
               .last_match_ns = now.mono_ns,
               .excess_ns = now.mono_ns};
  write(*slots_.find(slot));
  journal_.write(EventType::signature, now, [&] {
    return EventDetails{
        "",
        {Field::text("id", signature_name(signature.id)), Field::text("attack", attack),
         Field::text("match", found.text), Field::text("class", classes_in_words(found.classes)),
         Field::text("explains", percent(found.excess_share)),
         Field::text("baseline", percent(found.baseline_share))}};
  });
  return true;
}

std::uint64_t SignatureTable::update(const fw_counters& counters, const Now& now) {
  std::uint64_t total = 0;
  const std::uint64_t passed_ns =
      updated_ns_ != 0 && updated_ns_ < now.mono_ns ? now.mono_ns - updated_ns_ : 0;
  updated_ns_ = now.mono_ns;
  for (auto at = slots_.begin(); at != slots_.end();) {
    auto& [slot, signature] = *at;
    const std::uint64_t matches = counters.signature_packets[slot] -
                                  std::exchange(counted_[slot], counters.signature_packets[slot]);
    total += matches;
    signature.packets += matches;
    signature.matches = matches;
    if (matches > 0) signature.last_match_ns = now.mono_ns;
    // A mean that forgets: the share of its time that has passed is replaced.
    if (passed_ns > 0) {
      const double share = std::min(1.0, static_cast<double>(passed_ns) / kMeanNs);
      const double pps = static_cast<double>(matches) * kSecond / static_cast<double>(passed_ns);
      signature.pps += share * (pps - signature.pps);
    }
    signature.peak_pps = std::max(signature.peak_pps, signature.pps);
    if (signature.pps >
        std::max(least_pps(signature.found.classes), kMinShareOfPeak * signature.peak_pps)) {
      signature.excess_ns = now.mono_ns;
      if (!signature.pinned) set_end(*at, now.mono_ns + kHoldNs);
    }
    const bool over = now.mono_ns - signature.excess_ns > kHoldNs;
    at = over && !signature.pinned ? take_out(at, "over", now) : std::next(at);
  }
  return total;
}

SignatureTable::Slots::iterator SignatureTable::take_out(Slots::iterator at, std::string_view why,
                                                         const Now& now) {
  set_bits(at->first, 0);
  journal_.write(EventType::signature_end, now, [&] {
    return EventDetails{"",
                        {Field::text("id", signature_name(at->second.id)),
                         Field::text("match", at->second.found.text), Field::text("why", why),
                         Field::count("packets", at->second.packets)}};
  });
  return slots_.erase(at);
}

SignatureTable::Slots::iterator SignatureTable::find(std::string_view name) {
  if (name.starts_with('s')) name.remove_prefix(1);
  unsigned id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc{} || end != name.data() + name.size()) return slots_.end();
  return std::ranges::find_if(slots_, [id](const auto& slot) { return slot.second.id == id; });
}

bool SignatureTable::remove(std::string_view name, const Now& now) {
  const auto at = find(name);
  if (at == slots_.end()) return false;
  removed_.push_back(at->second.found.text);
  take_out(at, "operator", now);
  return true;
}

bool SignatureTable::pin(std::string_view name) {
  const auto at = find(name);
  if (at == slots_.end()) return false;
  at->second.pinned = true;
  set_end(*at, 0);
  return true;
}

}  // namespace fw::engine
