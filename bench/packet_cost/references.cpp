// SPDX-License-Identifier: MIT
#include "references.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

namespace fw::bench {

namespace {

constexpr std::uint32_t kFilterEntries = 1'200'000;  // its own default is 10,000
constexpr std::uint64_t kMatchSource = 1;            // MAP_FLAG_SRC of xdp-filter

struct TrieKeyV4 {
  std::uint32_t bits;
  std::array<unsigned char, 4> address;
};
struct TrieKeyV6 {
  std::uint32_t bits;
  std::array<unsigned char, 16> address;
};

std::array<unsigned char, 4> wire_v4(const Address& address) {
  const std::uint32_t n = address.v4_number();
  return {static_cast<unsigned char>(n >> 24), static_cast<unsigned char>(n >> 16),
          static_cast<unsigned char>(n >> 8), static_cast<unsigned char>(n)};
}

// The object that `xdp-filter load -f ipv4` attaches, as Debian ships it.
std::string filter_path() {
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib")) {
    const auto path = entry.path() / "bpf/xdpfilt_alw_ip.o";
    if (std::filesystem::exists(path)) return path;
  }
  return "";
}

bpf_object* open_filter() {
  const std::string path = filter_path();
  // libbpf would warn of sections that only libxdp knows.
  const libbpf_print_fn_t print = libbpf_set_print(nullptr);
  bpf_object* const object = path.empty() ? nullptr : bpf_object__open(path.c_str());
  libbpf_set_print(print);
  if (object == nullptr) return nullptr;
  // A tail-called program must have the same flag for fragments as its caller.
  bpf_program* const program = bpf_object__find_program_by_name(object, "xdpfilt_alw_ip");
  bpf_program__set_type(program, BPF_PROG_TYPE_XDP);
  bpf_program__set_flags(program, BPF_F_XDP_HAS_FRAGS);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) bpf_map__set_pin_path(map, nullptr);
  bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "filter_ipv4"), kFilterEntries);
  return object;
}

}  // namespace

Result<References> References::open() {
  References made;
  made.textbook_.reset(::textbook::open_and_load());
  if (!made.textbook_) return fail_errno("loading the textbook program", errno);
  made.filter_.reset(open_filter());
  if (made.filter_ && bpf_object__load(made.filter_.get()) != 0)
    return fail_errno("loading xdp-filter", errno);
  return made;
}

std::optional<int> References::xdp_filter() const {
  if (!filter_) return std::nullopt;
  return bpf_program__fd(bpf_object__find_program_by_name(filter_.get(), "xdpfilt_alw_ip"));
}

Result<void> References::deny(std::span<const Address> addresses) {
  const unsigned char one = 1;
  const std::vector<std::uint64_t> everywhere(static_cast<std::size_t>(libbpf_num_possible_cpus()),
                                              kMatchSource);
  const int trie_v4 = bpf_map__fd(textbook_->maps.trie_v4);
  const int trie_v6 = bpf_map__fd(textbook_->maps.trie_v6);
  const int filter = filter_ ? bpf_object__find_map_fd_by_name(filter_.get(), "filter_ipv4") : -1;
  for (const Address& address : addresses) {
    if (!address.is_v4()) {
      TrieKeyV6 key{64, {}};
      address.to_bytes(key.address.data());
      if (bpf_map_update_elem(trie_v6, &key, &one, 0) != 0) return fail_errno("trie", errno);
      continue;
    }
    const TrieKeyV4 key{32, wire_v4(address)};
    if (bpf_map_update_elem(trie_v4, &key, &one, 0) != 0) return fail_errno("trie", errno);
    if (filter >= 0 && bpf_map_update_elem(filter, key.address.data(), everywhere.data(), 0) != 0)
      return fail_errno("filter_ipv4", errno);
  }
  return {};
}

}  // namespace fw::bench
