// SPDX-License-Identifier: MIT
// Parsers of resolv.conf and lease files, which are untrusted input.
#include "host/resolvers.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/file.hpp"

namespace fw::host {

namespace {

constexpr std::uint64_t kMaxFileBytes = 1 << 20;
constexpr std::size_t kMaxFiles = 64;      // per folder
constexpr std::size_t kMaxAddresses = 16;  // per file; resolv.conf uses 3
constexpr std::string_view kSpace = " \t\r\v\f";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Removes the text up to one of `ends` from the front of `rest`, and returns it.
std::string_view take(std::string_view& rest, std::string_view ends) {
  const std::size_t end = rest.find_first_of(ends);
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return taken;
}

std::string_view take_word(std::string_view& rest) {
  rest = trimmed(rest);
  return take(rest, kSpace);
}

void add(std::vector<Address>& to, const Address& address) {
  if (to.size() < kMaxAddresses && std::ranges::find(to, address) == to.end())
    to.push_back(address);
}

// The next statement of a dhclient.leases file: the text between ; { } and line ends. A quoted
// string may contain these characters, for the network chooses its content.
std::string_view take_statement(std::string_view& rest) {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest.size(); at++) {
    const char c = rest[at];
    if (quoted && c == '\\') {
      at++;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && std::string_view(";{}\n").find(c) != std::string_view::npos) {
      break;
    }
  }
  const std::string_view statement = rest.substr(0, std::min(at, rest.size()));
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return trimmed(statement);
}

std::vector<Address> parse_key_value_lease(std::string_view text) {
  std::vector<Address> servers;
  while (!text.empty()) {
    std::string_view line = trimmed(take(text, "\n"));
    if (trimmed(take(line, "=")) != "SERVER_ADDRESS") continue;
    if (const auto address = Address::parse(trimmed(line))) add(servers, *address);
  }
  return servers;
}

std::vector<Address> parse_dhclient_leases(std::string_view text) {
  std::map<std::string, Address, std::less<>> by_interface;
  std::string interface;
  while (!text.empty()) {
    std::string_view statement = take_statement(text);
    const std::string_view word = take_word(statement);
    if (word == "lease") {
      interface.clear();
    } else if (word == "interface") {
      interface = trimmed(statement);
    } else if (word == "option" && take_word(statement) == "dhcp-server-identifier") {
      if (const auto address = Address::parse(trimmed(statement)))
        by_interface.insert_or_assign(interface, *address);
    }
  }
  std::vector<Address> servers;
  for (const auto& entry : by_interface) add(servers, entry.second);
  return servers;
}

// RFC 2131: a header of 236 bytes, a magic cookie, then options of type, length and value.
constexpr std::size_t kBootpOptions = 240;
constexpr std::string_view kBootpCookie = "\x63\x82\x53\x63";

bool is_bootp_reply(std::string_view content) {
  return content.size() >= kBootpOptions && content[0] == 2 &&
         content.substr(kBootpOptions - kBootpCookie.size(), kBootpCookie.size()) == kBootpCookie;
}

std::vector<Address> parse_bootp_reply(std::string_view packet) {
  constexpr unsigned char kPad = 0;
  constexpr unsigned char kServerIdentifier = 54;
  constexpr unsigned char kEnd = 255;
  const auto byte = [packet](std::size_t at) { return static_cast<unsigned char>(packet[at]); };
  for (std::size_t at = kBootpOptions; at < packet.size() && byte(at) != kEnd;) {
    if (byte(at) == kPad) {
      at++;
      continue;
    }
    if (packet.size() - at < 2 || packet.size() - at - 2 < byte(at + 1)) break;
    if (byte(at) == kServerIdentifier && byte(at + 1) == 4) {
      std::uint32_t number = 0;
      for (std::size_t i = 0; i < 4; i++) number = number << 8 | byte(at + 2 + i);
      return {Address::v4(number)};
    }
    at += 2U + byte(at + 1);
  }
  return {};
}

bool is_on_this_host(const Address& address) {
  return address.is_v4() ? address.v4_number() >> 24 == 127 : address == Address{0, 1};
}

void read_dns(const std::filesystem::path& path, std::vector<NetworkServer>& servers) {
  const auto text = read_file(path, kMaxFileBytes);
  if (!text) return;
  for (const Address& address : parse_resolv_conf(*text)) servers.push_back({address, path});
}

// systemd-networkd names a lease by the index of the interface, the others end in .lease or
// .leases. NetworkManager's folder holds other files too.
bool is_lease_name(const std::string& name) {
  return name.ends_with(".lease") || name.ends_with(".leases") ||
         (!name.empty() && name.find_first_not_of("0123456789") == std::string::npos);
}

std::vector<std::filesystem::path> lease_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  std::filesystem::directory_iterator at(folder, error);
  for (; !error && at != std::filesystem::directory_iterator{} && files.size() < kMaxFiles;
       at.increment(error))
    if (is_lease_name(at->path().filename().native())) files.push_back(at->path());
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::vector<Address> parse_resolv_conf(std::string_view text) {
  std::vector<Address> servers;
  while (!text.empty()) {
    std::string_view line = take(text, "\n");
    if (take_word(line) != "nameserver") continue;
    const std::string_view word = take_word(line);
    if (const auto address = Address::parse(word.substr(0, word.find('%')))) add(servers, *address);
  }
  return servers;
}

std::vector<Address> parse_lease(std::string_view content) {
  if (is_bootp_reply(content)) return parse_bootp_reply(content);
  if (auto servers = parse_key_value_lease(content); !servers.empty()) return servers;
  return parse_dhclient_leases(content);
}

std::vector<NetworkServer> dns_servers(const ResolverPaths& paths) {
  std::vector<NetworkServer> servers;
  read_dns(paths.resolv_conf, servers);
  if (std::ranges::any_of(servers,
                          [](const NetworkServer& s) { return is_on_this_host(s.address); }))
    read_dns(paths.resolved_conf, servers);
  return servers;
}

std::vector<NetworkServer> dhcp_servers(const ResolverPaths& paths) {
  std::vector<NetworkServer> servers;
  for (const auto& folder : paths.lease_folders) {
    for (const auto& file : lease_files(folder)) {
      const auto content = read_file(file, kMaxFileBytes);
      if (!content) continue;
      for (const Address& address : parse_lease(*content)) servers.push_back({address, file});
    }
  }
  return servers;
}

}  // namespace fw::host
