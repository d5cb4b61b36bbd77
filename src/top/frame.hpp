// SPDX-License-Identifier: MIT
// What `floodwall top` knows at one moment: the daemon's replies to `status`, `list sources` and
// `list signatures` as plain values. Every text in it was made safe for a terminal and takes one
// column for each code point: what is neither ASCII nor Latin is a question mark.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fw::top {

// Rates are packets a second unless they say otherwise.
struct Vector {
  std::string to;  // "tcp_syn to 203.0.113.5 port 80"
  std::uint64_t pps = 0;
  std::string done;  // with it
  std::uint64_t sources = 0, sampled = 0;
  std::string heaviest, share;  // empty: not known
};

struct Attack {
  std::string id, age, trend;
  std::uint64_t dropped = 0, would_drop = 0, borne = 0;  // packets
  std::uint64_t pps = 0, peak_pps = 0;
  std::vector<Vector> vectors;  // heaviest first
};

struct ClassRow {
  std::string name;
  std::uint64_t in = 0, unverified = 0, refused = 0;
  std::optional<std::uint64_t> budget;
  std::uint64_t used = 0;
  std::vector<std::uint64_t> by_second;
};

struct Source {
  std::string address;  // or prefix
  std::uint64_t pps = 0, dropped = 0, surplus = 0;
  std::uint64_t bytes_per_s = 0;  // where only they are metered
  std::string share, word, port;
};

struct Signature {
  std::string id, match, idle;
  std::uint64_t packets = 0;
};

struct Seconds {
  std::uint64_t newest = 0;
  std::vector<std::uint64_t> in, passed, dropped;
};

struct Frame {
  std::string mode, datapath, interfaces, uptime;
  std::vector<std::string> problems;
  std::uint64_t in = 0, in_bytes = 0, passed = 0, dropped = 0, would_drop = 0, challenged = 0;
  std::uint64_t window_s = 0;
  Seconds seconds;
  std::vector<ClassRow> classes;
  std::optional<Attack> attack;
  std::string last_attack;  // a sentence; empty: none is known
  bool by_dropped = false;
  bool observing = false;  // `dropped` of sources is what would be
  std::vector<Source> sources, prefixes;
  std::vector<Signature> signatures;
};

// Members that are missing or of another type read as empty.
[[nodiscard]] Frame read_frame(const nlohmann::json& status, const nlohmann::json& sources,
                               const nlohmann::json& signatures);

// Text of the daemon or of a file as it may be shown.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace fw::top
