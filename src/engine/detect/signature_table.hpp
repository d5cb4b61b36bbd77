// SPDX-License-Identifier: MIT
// The signatures in force. They are written into the datapath's table while it judges packets. Each
// has an end there, which is moved on while it matches as much as a flood: far more than a budget
// bears, and no small part of what it matched at its peak. What ordinary users send does not keep
// it, and it ends by itself if the daemon is dead. The operator may remove one, or pin it: then it
// has no end.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/interface_status.hpp"
#include "engine/detect/signature_finder.hpp"
#include "engine/journal/journal.hpp"

namespace fw::engine {

struct ActiveSignature {
  unsigned id = 0;     // counts up, over restarts: "s3"
  std::string attack;  // in which it was found
  FoundSignature found;
  std::uint64_t since_ns = 0, last_match_ns = 0;
  std::uint64_t excess_ns = 0;   // when it last matched as much as a flood
  std::uint64_t matches = 0;     // since the update before
  std::uint64_t packets = 0;     // that matched
  double pps = 0, peak_pps = 0;  // matches: of about the last 0.3 s, and the most so far
  bool pinned = false;
  std::uint64_t until_ns = 0;  // as in the datapath's table; 0: without an end
};

[[nodiscard]] std::string signature_name(unsigned id);  // "s3"

class SignatureTable {
 public:
  // Judgement: who shares a flood's fields is dropped for so long after it. A flood that comes back
  // after a longer pause is found again within a fifth of a second.
  static constexpr std::uint64_t kHoldNs = 3 * kSecond;
  // Matches in a second that are a flood: as many as open an attack, and a share of the peak. Fewer
  // may be ordinary users.
  static constexpr double kMinShareOfPeak = 0.125;

  SignatureTable(datapath::Datapath& datapath, Journal& journal)
      : datapath_(&datapath), journal_(journal) {}

  // Empties the table: what a former daemon left there comes again by restore().
  void begin();
  // Goes on with another table, in which it puts those in force.
  void move_to(datapath::Datapath& datapath);
  // Puts one in force again that a former daemon had. False: it is over, or the table is full.
  bool restore(ActiveSignature signature, const Now& now);
  // The highest id so far.
  [[nodiscard]] unsigned last_id() const { return last_id_; }
  void count_on_from(unsigned id) { last_id_ = std::max(last_id_, id); }

  // Puts one in force. False: it is there already, the operator removed it during this attack, or
  // the table is full.
  bool put(const FoundSignature& found, const std::string& attack, const Now& now);
  // Reads the match counters, moves on the ends and removes what is over. Returns the packets
  // matched since the last call.
  std::uint64_t update(const fw_counters& counters, const Now& now);
  // Puts right what is not in the datapath's table as it was put there; how many signatures.
  [[nodiscard]] std::size_t repair();
  // What the operator removed may be put in force again.
  void permit_removed() { removed_.clear(); }

  // By name, "s3" or "3". False if there is none.
  bool remove(std::string_view name, const Now& now);
  bool pin(std::string_view name);

  // By slot of the datapath's table.
  [[nodiscard]] const std::map<std::size_t, ActiveSignature>& all() const { return slots_; }

 private:
  using Slots = std::map<std::size_t, ActiveSignature>;
  [[nodiscard]] Slots::iterator find(std::string_view name);
  Slots::iterator take_out(Slots::iterator at, std::string_view why, const Now& now);
  // Writes it into its slot of the datapath's table.
  void write(Slots::value_type& slot);
  void set_bits(std::size_t slot, std::uint32_t classes);
  void set_end(Slots::value_type& slot, std::uint64_t until_ns);

  datapath::Datapath* datapath_;
  Journal& journal_;
  Slots slots_;
  std::vector<std::string> removed_;                 // by the operator: their text
  std::array<fw_u64, FW_MAX_SIGNATURES> counted_{};  // match counters at the last update()
  std::uint64_t updated_ns_ = 0;
  unsigned last_id_ = 0;
};

}  // namespace fw::engine
