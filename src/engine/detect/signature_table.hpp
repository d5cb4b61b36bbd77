// SPDX-License-Identifier: MIT
// The signatures in force: written into the datapath's table while packets are judged, followed by
// what they hit, and taken out when they hit nothing for a while. The operator may remove one or
// pin it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "datapath/datapath.hpp"
#include "engine/detect/signature_finder.hpp"
#include "engine/journal/journal.hpp"

namespace fw::engine {

struct Signature {
  unsigned id = 0;     // counts up from 1 since the start: "s3"
  std::string attack;  // in which it was found
  Found found;
  std::uint64_t since_ns = 0, last_hit_ns = 0;
  std::uint64_t hits = 0;  // packets
  bool pinned = false;
};

[[nodiscard]] std::string signature_name(unsigned id);  // "s3"

class SignatureTable {
 public:
  static constexpr std::uint64_t kIdleNs = 30 * kSecond;

  SignatureTable(datapath::Datapath& datapath, Journal& journal)
      : datapath_(&datapath), journal_(journal) {}

  // Empties the table: what a former daemon found, its samples told, and they are gone.
  void begin();
  void move_to(datapath::Datapath& datapath);

  // Puts one in force. False: it is there already, the operator removed it during this attack, or
  // there is no room.
  bool put(const Found& found, const std::string& attack, const Now& now);
  // Follows the hits; removes what idles. Returns the packets hit since the last call.
  std::uint64_t follow(const fw_counters& counters, const Now& now);
  // What the operator removed may be found again.
  void forget_removed() { removed_.clear(); }

  // By name, "s3" or "3". False if there is none.
  bool remove(std::string_view name, const Now& now);
  bool pin(std::string_view name);

  // By slot of the datapath's table.
  [[nodiscard]] const std::map<std::size_t, Signature>& all() const { return slots_; }

 private:
  using Slots = std::map<std::size_t, Signature>;
  [[nodiscard]] Slots::iterator find(std::string_view name);
  Slots::iterator take_out(Slots::iterator at, std::string_view why, const Now& now);
  void set_bits(std::size_t slot, std::uint32_t classes);

  datapath::Datapath* datapath_;
  Journal& journal_;
  Slots slots_;
  std::vector<std::string> removed_;                 // by the operator: their text
  std::array<fw_u64, FW_MAX_SIGNATURES> counted_{};  // hits when last followed
  unsigned last_id_ = 0;
};

}  // namespace fw::engine
