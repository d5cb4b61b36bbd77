// SPDX-License-Identifier: MIT
// What every part of `traffic` uses: its arguments, the clock, and how results are printed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace traffic {

// key=value words of the command line.
class Words {
 public:
  explicit Words(std::vector<std::string> words);

  [[nodiscard]] std::string text(std::string_view key, std::string_view otherwise) const;
  [[nodiscard]] std::string text(std::string_view key) const;  // ends the program if it is absent
  [[nodiscard]] std::uint64_t number(std::string_view key, std::uint64_t otherwise) const;
  // Words without "=", in order.
  [[nodiscard]] const std::vector<std::string>& plain() const { return plain_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<std::string> plain_;
};

// The bytes that a text of hexadecimal digits means.
[[nodiscard]] std::string unhex(std::string_view digits);

// Says why and ends the program with status 1.
[[noreturn]] void die(std::string_view what);
// The same, with what errno says.
[[noreturn]] void die_errno(std::string_view what);

[[nodiscard]] std::uint64_t now_ns();
constexpr std::uint64_t kMs = 1'000'000, kSecond = 1'000'000'000;

// Tells whoever started the program that it is warmed up, and waits for a line from there.
void ready_and_wait();

// How many have been due by now at `rate` a second.
class Pace {
 public:
  Pace(std::uint64_t begin_ns, std::uint64_t rate) : begin_ns_(begin_ns), rate_(rate) {}
  [[nodiscard]] std::uint64_t due(std::uint64_t at_ns) const;

 private:
  std::uint64_t begin_ns_, rate_;
};

// Requests and how they ended.
struct Score {
  std::uint64_t asked = 0, answered = 0, first_try = 0;
  std::vector<std::uint32_t> latencies_us;

  void answer(std::uint64_t latency_ns, bool at_once);
  // {"asked":..,"answered":..,"first_try":..,"p50_ms":..,"p99_ms":..}
  [[nodiscard]] std::string json();
};

// One each: `words` are those after the name.
void serve(const Words& words);
void service(const Words& words);
void web(const Words& words);
void ask(const Words& words);
void bulk(const Words& words);
void flood(const Words& words);

}  // namespace traffic
