// SPDX-License-Identifier: MIT
// Recognizes the format of a file by its first bytes, and reads it by pcap.hpp or pcapng.hpp.
#include "capture/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "capture/pcap.hpp"
#include "capture/pcapng.hpp"
#include "capture/window.hpp"

namespace fw::capture {
namespace {

using namespace std::string_view_literals;

struct Kind {
  std::string_view magic, name;
};
constexpr Kind kKinds[] = {
    {"\x28\xb5\x2f\xfd"sv,
     "zstd-compressed data; unpack it first: zstd -dc FILE | floodwall replay -"},
    {"\xfd"sv
     "7zXZ\0"sv,
     "xz-compressed data; unpack it first: xz -dc FILE | floodwall replay -"},
    {"BZh"sv, "bzip2-compressed data; unpack it first: bzip2 -dc FILE | floodwall replay -"},
    {"PK\x03\x04"sv, "a zip archive"},
    {"snoop\0\0\0"sv, "a snoop capture; convert it: editcap FILE OUT.pcapng"},
    {"GMBU"sv, "a Network Monitor capture; convert it: editcap FILE OUT.pcapng"},
    {"\x7f"
     "ELF"sv,
     "a program"},
};

// Describes a file that is no capture by its first bytes.
std::string looks_like(std::string_view start) {
  if (start.empty()) return "empty";
  for (const Kind& kind : kKinds)
    if (start.starts_with(kind.magic)) return std::string(kind.name);
  const bool is_text = std::ranges::all_of(start, [](unsigned char c) {
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0x7f);
  });
  if (is_text && start.size() >= 4) return "text";
  std::string hex;
  for (const char c : start.substr(0, 8))
    hex += fmt::format(" {:02x}", static_cast<unsigned char>(c));
  return "starts with" + hex;
}

std::string_view text_at(const Window& window, std::size_t limit) {
  return {reinterpret_cast<const char*>(window.data()), std::min(window.size(), limit)};
}

// More than the longest magic number, and enough text to recognize text.
constexpr std::size_t kLookBytes = 64;

}  // namespace

struct Reader::State {
  Window window;
  std::variant<Pcap, Pcapng> format;
  std::uint64_t count = 0;
  std::optional<Error> error;

  static Result<std::unique_ptr<State>> start(Source source, const std::string& name);
};

Result<std::unique_ptr<Reader::State>> Reader::State::start(Source source,
                                                            const std::string& name) {
  Window window(std::move(source), name);
  if (auto more = window.refill(kLookBytes); !more) return std::unexpected(std::move(more.error()));
  if (window.size() >= 4) {
    const std::span<const std::byte, 4> magic(window.data(), 4);
    if (Pcap::recognizes(magic)) {
      auto pcap = Pcap::start(window);
      if (!pcap) return std::unexpected(std::move(pcap.error()));
      return std::make_unique<State>(std::move(window), *pcap);
    }
    if (Pcapng::recognizes(magic)) {
      auto pcapng = Pcapng::start(window);
      if (!pcapng) return std::unexpected(std::move(pcapng.error()));
      return std::make_unique<State>(std::move(window), std::move(*pcapng));
    }
  }
  return fail(fmt::format("{}: not a capture (pcap or pcapng): {}", name,
                          looks_like(text_at(window, kLookBytes))));
}

Reader::Reader(std::unique_ptr<State> state) : state_(std::move(state)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Result<Reader> Reader::open(const std::string& path) {
  const std::string name = path == "-" ? "standard input" : path;
  auto source = Source::open(path, name);
  if (!source) return std::unexpected(std::move(source.error()));
  auto state = State::start(std::move(*source), name);
  if (!state) return std::unexpected(std::move(state.error()));
  return Reader(std::move(*state));
}

Result<Reader> Reader::from_memory(std::span<const std::byte> data, const std::string& name) {
  auto source = Source::from_memory(data, name);
  if (!source) return std::unexpected(std::move(source.error()));
  auto state = State::start(std::move(*source), name);
  if (!state) return std::unexpected(std::move(state.error()));
  return Reader(std::move(*state));
}

Result<bool> Reader::next(Record& record) {
  State& state = *state_;
  if (state.error) return std::unexpected(*state.error);
  auto* pcap = std::get_if<Pcap>(&state.format);
  auto found = pcap != nullptr ? pcap->next(state.window, record)
                               : std::get_if<Pcapng>(&state.format)->next(state.window, record);
  if (!found)
    state.error = found.error();
  else if (*found)
    record.index = state.count++;
  return found;
}

bool Reader::cut() const {
  return state_->window.cut();
}

std::optional<double> Reader::progress() const {
  const Source& source = state_->window.source();
  if (source.size_bytes() == 0) return std::nullopt;
  const double read = static_cast<double>(source.position_bytes());
  return std::min(1.0, read / static_cast<double>(source.size_bytes()));
}

}  // namespace fw::capture
