// SPDX-License-Identifier: MIT
#include "words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

namespace traffic {

Words::Words(std::vector<std::string> words) {
  for (std::string& word : words) {
    const std::size_t at = word.find('=');
    if (at == std::string::npos)
      plain_.push_back(std::move(word));
    else
      values_[word.substr(0, at)] = word.substr(at + 1);
  }
}

std::string Words::text(std::string_view key, std::string_view otherwise) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::string(otherwise) : found->second;
}

std::string Words::text(std::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) die(fmt::format("{}=... is needed", key));
  return found->second;
}

std::uint64_t Words::number(std::string_view key, std::uint64_t otherwise) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return otherwise;
  std::uint64_t value = 0;
  const char* const end = found->second.data() + found->second.size();
  const auto [stop, error] = std::from_chars(found->second.data(), end, value);
  if (error != std::errc{} || stop != end)
    die(fmt::format("{}={}: must be a number", key, found->second));
  return value;
}

std::string unhex(std::string_view digits) {
  std::string bytes(digits.size() / 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::string_view pair = digits.substr(2 * i, 2);
    unsigned value = 0;
    if (std::from_chars(pair.begin(), pair.end(), value, 16).ptr != pair.end())
      die(fmt::format("{}: must be hexadecimal digits", digits));
    bytes[i] = static_cast<char>(value);
  }
  return bytes;
}

void die(std::string_view what) {
  fmt::print(stderr, "traffic: {}\n", what);
  std::exit(1);
}

void die_errno(std::string_view what) {
  const int number = errno;
  die(fmt::format("{}: {}", what, std::strerror(number)));
}

std::uint64_t now_ns() {
  timespec time{};
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

void ready_and_wait() {
  fmt::print("ready\n");
  (void)std::fflush(stdout);
  for (int c = std::getchar(); c != '\n'; c = std::getchar())
    if (c == EOF) std::exit(0);  // whoever started it has gone
}

std::uint64_t Pace::due(std::uint64_t at_ns) const {
  return at_ns < begin_ns_ ? 0 : (at_ns - begin_ns_) / 1000 * rate_ / 1'000'000;
}

void Score::answer(std::uint64_t latency_ns, bool at_once) {
  ++answered;
  first_try += at_once ? 1 : 0;
  latencies_us.push_back(static_cast<std::uint32_t>(latency_ns / 1000));
}

std::string Score::json() {
  std::ranges::sort(latencies_us);
  const auto quantile_ms = [this](std::size_t percent) {
    if (latencies_us.empty()) return 0.0;
    return latencies_us[(latencies_us.size() - 1) * percent / 100] / 1000.0;
  };
  return fmt::format(
      R"({{"asked":{},"answered":{},"first_try":{},"p50_ms":{:.3f},"p99_ms":{:.3f}}})", asked,
      answered, first_try, quantile_ms(50), quantile_ms(99));
}

}  // namespace traffic
