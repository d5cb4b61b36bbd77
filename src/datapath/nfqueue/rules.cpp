// SPDX-License-Identifier: MIT
#include "datapath/nfqueue/rules.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <vector>

#include "datapath/nfqueue/program.hpp"

namespace fw::datapath::nfqueue {

namespace {

constexpr std::string_view kIn = "FLOODWALL";
constexpr std::string_view kOut = "FLOODWALL-OUT";

// Hook priorities of linux/netfilter_ipv4.h, which conflicts with glibc's headers.
constexpr int kBeforeDefragmentation = -450;  // NF_IP_PRI_RAW_BEFORE_DEFRAG
constexpr int kRaw = -300;                    // NF_IP_PRI_RAW

// How long iptables waits for its lock; judgement.
constexpr const char* kLockSeconds = "5";

// The lines of `text` for which `wanted` is true.
template <typename Wanted>
std::vector<std::string_view> lines_of(std::string_view text, Wanted wanted) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (const std::string_view line = text.substr(0, end); wanted(line)) lines.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

bool is_jump(std::string_view line) {
  return line.starts_with("-A ") && (line.ends_with(fmt::format(" -j {}", kIn)) ||
                                     line.ends_with(fmt::format(" -j {}", kOut)));
}

bool has_line(std::string_view text, std::string_view wanted) {
  return !lines_of(text, [&](std::string_view line) { return line == wanted; }).empty();
}

// The decimal number behind the first `mark`, or 0.
std::uint64_t number_after(std::string_view line, std::string_view mark) {
  const std::size_t at = line.find(mark);
  std::uint64_t number = 0;
  if (at != std::string_view::npos) {
    const std::string_view digits = line.substr(at + mark.size());
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), number);
  }
  return number;
}

// Names are written into scripts; "+" and "*" would be wildcards.
bool is_plain(const std::string& interface) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-";
  return !interface.empty() && interface.find_first_not_of(kAllowed) == std::string::npos;
}

std::string last_line(std::string_view text) {
  const auto lines = lines_of(text, [](std::string_view line) { return !line.empty(); });
  return lines.empty() ? "it gave no reason" : std::string(lines.back());
}

std::string first_line(std::string_view text) {
  const auto lines = lines_of(text, [](std::string_view line) { return !line.empty(); });
  return lines.empty() ? "it gave no reason" : std::string(lines.front());
}

Result<void> must_run(std::initializer_list<std::string> arguments, std::string_view input) {
  const std::vector<std::string> words(arguments);
  Result<ProgramResult> result = run_program(words, input);
  if (!result) return std::unexpected(result.error());
  if (result->status == 0) return {};
  const std::string why =
      words[0] == "nft" ? first_line(result->output) : last_line(result->output);
  return fail(fmt::format("{}: {}", words[0], why));
}

// What `nft` prints of our table; empty: there is no table, or no nft.
std::string nft_listing() {
  const std::array<std::string, 5> words{"nft", "list", "table", "inet", "floodwall"};
  Result<ProgramResult> result = run_program(words);
  return result && result->status == 0 ? std::move(result->output) : std::string{};
}

Result<void> nft_remove() {
  if (nft_listing().empty()) return {};
  return must_run({"nft", "delete", "table", "inet", "floodwall"}, {});
}

// A kernel without IPv6 needs no rules for it.
std::vector<std::string> iptables_families() {
  if (::access("/proc/net/if_inet6", F_OK) != 0) return {"iptables"};
  return {"iptables", "ip6tables"};
}

// What `iptables -S` prints of the table raw, on request with counters.
Result<std::string> iptables_listing(const std::string& program, bool counters = false) {
  std::vector<std::string> words{program, "-w", kLockSeconds, "-t", "raw"};
  if (counters) words.emplace_back("-v");
  words.emplace_back("-S");
  Result<ProgramResult> result = run_program(words);
  if (!result) return std::unexpected(result.error());
  if (result->status != 0) return fail(fmt::format("{}: {}", program, last_line(result->output)));
  return std::move(result->output);
}

// Returns whether there was anything to do.
Result<bool> iptables_apply(const std::string& program, std::string_view listing,
                            const InterfaceNames& interfaces, const QueueNumbers& queues) {
  const std::string script = iptables_rules(listing, interfaces, queues);
  if (script.empty()) return false;
  if (auto done = must_run({program + "-restore", "-w", kLockSeconds, "--noflush"}, script); !done)
    return std::unexpected(done.error());
  return true;
}

Result<void> iptables_divert(const InterfaceNames& interfaces, const QueueNumbers& queues) {
  for (const std::string& program : iptables_families()) {
    const Result<std::string> listing = iptables_listing(program);
    if (!listing) return std::unexpected(listing.error());
    if (auto done = iptables_apply(program, *listing, interfaces, queues); !done) {
      (void)remove_rules();
      return std::unexpected(done.error());
    }
  }
  return {};
}

}  // namespace

std::string nft_rules(const InterfaceNames& interfaces, const QueueNumbers& queues) {
  std::string names;
  for (const std::string& interface : interfaces)
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", interface);
  const std::string in = queues.ingress == 1 ? fmt::format("queue num {} bypass", queues.first)
                                             : fmt::format("queue num {}-{} bypass,fanout",
                                                           queues.first, queues.egress() - 1);
  const std::string out = fmt::format("queue num {} bypass", queues.egress());
  // Before defragmentation, and before the table raw of iptables.
  return fmt::format(
      "add table inet floodwall\n"
      "delete table inet floodwall\n"
      "table inet floodwall {{\n"
      "  chain in {{\n"
      "    type filter hook prerouting priority {3}; policy accept;\n"
      "    iifname {{ {0} }} counter {1}\n"
      "  }}\n"
      "  chain out {{\n"
      "    type filter hook output priority {4}; policy accept;\n"
      "    oifname {{ {0} }} tcp flags & syn == syn {2}\n"
      "    oifname {{ {0} }} meta l4proto != tcp {2}\n"
      "  }}\n"
      "}}\n",
      names, in, out, kBeforeDefragmentation, kRaw);
}

std::string iptables_rules(std::string_view listing, const InterfaceNames& interfaces,
                           const QueueNumbers& queues) {
  std::string script;
  for (const std::string_view jump : lines_of(listing, is_jump))
    script += fmt::format("-D{}\n", jump.substr(2));
  if (interfaces.empty()) {
    for (const std::string_view chain : {kIn, kOut})
      if (has_line(listing, fmt::format("-N {}", chain)))
        script += fmt::format("-F {0}\n-X {0}\n", chain);
    return script.empty() ? script : fmt::format("*raw\n{}COMMIT\n", script);
  }
  const std::string in =
      queues.ingress == 1 ? fmt::format("--queue-num {}", queues.first)
                          : fmt::format("--queue-balance {}:{}", queues.first, queues.egress() - 1);
  const std::string_view fanout = queues.ingress == 1 ? "" : " --queue-cpu-fanout";
  const std::string out = fmt::format("-j NFQUEUE --queue-num {} --queue-bypass", queues.egress());
  script += fmt::format("-A {} -j NFQUEUE {} --queue-bypass{}\n", kIn, in, fanout);
  script += fmt::format("-A {} -p tcp --tcp-flags SYN SYN {}\n", kOut, out);
  script += fmt::format("-A {} ! -p tcp {}\n", kOut, out);
  for (const std::string& interface : interfaces) {
    script += fmt::format("-I PREROUTING -i {} -j {}\n", interface, kIn);
    script += fmt::format("-I OUTPUT -o {} -j {}\n", interface, kOut);
  }
  return fmt::format("*raw\n:{} - [0:0]\n:{} - [0:0]\n{}COMMIT\n", kIn, kOut, script);
}

bool has_iptables_rules(std::string_view listing, const InterfaceNames& interfaces) {
  for (const std::string& interface : interfaces)
    if (!has_line(listing, fmt::format("-A PREROUTING -i {} -j {}", interface, kIn)) ||
        !has_line(listing, fmt::format("-A OUTPUT -o {} -j {}", interface, kOut)))
      return false;
  const auto diverts = lines_of(listing, [](std::string_view line) {
    return line.starts_with(fmt::format("-A {} ", kIn)) &&
           line.find("-j NFQUEUE") != std::string_view::npos;
  });
  return lines_of(listing, is_jump).size() == 2 * interfaces.size() && !diverts.empty();
}

std::uint64_t nft_matched(std::string_view listing) {
  std::uint64_t sum = 0;
  for (const std::string_view line : lines_of(listing, [](std::string_view one) {
         return one.find("queue") != std::string_view::npos;
       }))
    sum += number_after(line, "counter packets ");
  return sum;
}

std::uint64_t iptables_matched(std::string_view listing) {
  std::uint64_t sum = 0;
  for (const std::string_view line : lines_of(listing, [](std::string_view one) {
         return one.starts_with(fmt::format("-A {} ", kIn));
       }))
    sum += number_after(line, " -c ");
  return sum;
}

std::uint64_t matched_packets() {
  std::uint64_t sum = nft_matched(nft_listing());
  for (const std::string& program : iptables_families())
    if (const Result<std::string> listing = iptables_listing(program, true))
      sum += iptables_matched(*listing);
  return sum;
}

std::string_view Rules::backend() const {
  if (!backend_) return "";
  return *backend_ == Backend::nft ? "nftables" : "iptables";
}

Result<void> Rules::divert(const InterfaceNames& interfaces) {
  for (const std::string& interface : interfaces)
    if (!is_plain(interface))
      return fail(interface + ": packet filter rules cannot name an interface like this");
  if (interfaces.empty()) {
    Result<bool> removed = remove_rules();
    if (!removed) return std::unexpected(removed.error());
    return {};
  }
  Result<void> nft;
  if (backend_ != Backend::iptables) {
    nft = must_run({"nft", "-f", "-"}, nft_rules(interfaces, queues_));
    if (nft) {
      backend_ = Backend::nft;
      return {};
    }
    if (backend_) return nft;
  }
  if (auto done = iptables_divert(interfaces, queues_); !done)
    return fail(
        fmt::format("cannot divert packets to user space: {}{}{}. It takes nftables and a "
                    "kernel with CONFIG_NFT_QUEUE, or iptables and a kernel with "
                    "CONFIG_NETFILTER_XT_TARGET_NFQUEUE",
                    nft ? "" : nft.error().message, nft ? "" : "; ", done.error().message));
  backend_ = Backend::iptables;
  return {};
}

bool Rules::are_in_place(const InterfaceNames& interfaces) const {
  if (interfaces.empty()) return true;
  if (backend_ == Backend::nft) return nft_listing().find("queue") != std::string::npos;
  for (const std::string& program : iptables_families()) {
    const Result<std::string> listing = iptables_listing(program);
    if (!listing || !has_iptables_rules(*listing, interfaces)) return false;
  }
  return true;
}

Result<bool> remove_rules() {
  const bool in_nft = !nft_listing().empty();
  Result<void> done = nft_remove();
  bool in_iptables = false;
  for (const std::string& program : iptables_families()) {
    const Result<std::string> listing = iptables_listing(program);
    if (!listing) continue;  // a table that cannot be listed has no rules of ours
    const Result<bool> removed = iptables_apply(program, *listing, {}, {});
    if (!removed) done = std::unexpected(removed.error());
    in_iptables = in_iptables || (removed && *removed);
  }
  if (!done) return std::unexpected(done.error());
  return in_nft || in_iptables;
}

}  // namespace fw::datapath::nfqueue
