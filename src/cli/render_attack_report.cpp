// SPDX-License-Identifier: MIT
// `floodwall attack` as Markdown, and the abuse mail of one of its sources.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "cli/fields.hpp"
#include "cli/render.hpp"

namespace fw::cli {

using nlohmann::json;

namespace {

std::string bits(std::uint64_t number, std::string_view unit) {
  const auto value = static_cast<double>(number);
  if (value >= 1e9) return fmt::format("{:.1f} G{}", value / 1e9, unit);
  if (value >= 1e6) return fmt::format("{:.1f} M{}", value / 1e6, unit);
  return fmt::format("{:.0f} k{}", value / 1e3, unit);
}

std::string target(const json& vector) {
  std::string out = text(vector, "class");
  if (const std::string to = text(vector, "dest_ip"); !to.empty()) out += " to " + to;
  if (const auto port = number(vector, "dest_port"); port != 0)
    out += fmt::format(" port {}", port);
  return out;
}

std::string how_much(const json& total) {
  const bool observed = flag(total, "observed");
  std::string out = fmt::format(
      "## How much\n\nAll that arrived meanwhile, attack or not.\n\n"
      "| | packets | bits |\n|---|---:|---:|\n| arrived | {} | {} |\n| {} | {} | {} |\n"
      "| passed | {} | {} |\n| peak, over a second | {}/s | {} |\n",
      grouped(number(total, "packets")), bits(number(total, "bits"), "bit"),
      observed ? "would have been dropped (observe)" : "dropped or asked back",
      grouped(number(total, "refused_packets") + number(total, "challenged_packets")),
      bits(number(total, "refused_bits"), "bit"), grouped(number(total, "passed_packets")),
      bits(number(total, "passed_bits"), "bit"), grouped(number(total, "peak_pps")),
      bits(number(total, "peak_bps"), "bit/s"));
  if (observed) out += "\nIn mode observe nothing is dropped: what is called so passed.\n";
  if (number(total, "packets") == 0)
    out += "\nNot counted: the attack was recorded by an earlier version.\n";
  return out;
}

std::string what_was_done(const json& vector) {
  std::string out;
  const auto add = [&](const char* key, std::string_view what) {
    if (const auto packets = number(vector, key); packets != 0)
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", grouped(packets), what);
  };
  add("by_signature", "by signatures");
  add("by_budget", "above its budget");
  add("by_limit", "by limits and restrictions");
  add("by_ban", "by bans");
  add("borne", "borne (passed)");
  return out.empty() ? "nothing" : out;
}

std::string vectors(const json& reply) {
  std::string out =
      "\n## Vectors\n\n| vector | peak | what was done with its packets | its addresses |\n"
      "|---|---:|---|---|\n";
  constexpr std::size_t kShown = 20;
  std::size_t shown = 0;
  for (const json& vector : list(reply, "vectors")) {
    if (++shown > kShown) break;
    out += fmt::format("| {} | {}/s | {} | {} |\n", printable(target(vector)),
                       grouped(number(vector, "peak_pps")), what_was_done(vector),
                       flag(vector, "may_be_forged") ? "may be forged" : "proved themselves");
  }
  if (const auto all = list(reply, "vectors").size(); all > kShown)
    out += fmt::format("\nand {} more: --json\n", all - kShown);
  return out;
}

std::string senders(const json& rows, std::string_view what) {
  if (rows.empty()) return "";
  std::string out = fmt::format(
      "\n| {} | packets, about | share | to | address | country | network "
      "|\n|---|---:|---:|---|---|---|---|\n",
      what);
  for (const json& row : rows) {
    std::string to = text(row, "proto");
    if (const auto port = number(row, "dest_port"); port != 0) to += fmt::format("/{}", port);
    out += fmt::format("| {} | {}{} | {} | {} | {} | {} | {} |\n", printable(text(row, "source")),
                       number(row, "surplus") != 0 ? "<" : "", grouped(number(row, "packets")),
                       percent(row, "share"), printable(to),
                       flag(row, "proven") ? "proved itself" : "may be forged",
                       printable(text(row, "country")), printable(text(row, "network")));
  }
  return out;
}

std::string who(const json& reply) {
  std::string out = fmt::format(
      "\n## Who\n\n{} new sources were seen meanwhile. The heaviest, estimated from samples "
      "(<: at most):\n",
      grouped(number(reply, "new_sources")));
  const std::string prefixes = senders(list(reply, "prefixes"), "prefix");
  const std::string sources = senders(list(reply, "sources"), "source");
  out += prefixes + sources;
  if (prefixes.empty() && sources.empty()) out += "\nNone stands out.\n";
  out += "\nWhere an address may be forged, its owner need not have sent a packet.\n";
  const std::string database = text(reply, "geo");
  return out +
         (database.empty()
              ? "Countries and networks are not known: no MMDB database was found "
                "(--geo FILE).\n"
              : fmt::format("Countries and networks are those of {}.\n", printable(database)));
}

std::string how_stopped(const json& reply) {
  std::string out = "\n## How it was stopped\n\n";
  const json& reasons = object(reply, "reasons");
  for (const auto& [reason, packets] : reasons.items())
    out += fmt::format("- {}: {} packets\n", printable(reason), grouped(number(reasons, reason)));
  if (reasons.empty()) out += "Nothing was dropped.\n";
  for (const json& used : list(reply, "signatures"))
    out += fmt::format("- signature {} `{}`: {} packets\n", printable(text(used, "id")),
                       printable(text(used, "match")), grouped(number(used, "packets")));
  if (reasons.contains("challenge"))
    out += "\nWho was asked back (challenge) and is real got in by answering.\n";
  return out;
}

std::string collateral(const json& reply) {
  const json& served = object(reply, "served");
  return fmt::format(
      "\n## Who was served meanwhile\n\n- {} packets of verified peers passed\n"
      "- {} handshakes of unverified sources were completed\n- {} questions over UDP were "
      "answered\n\n"
      "An innocent among unverified sources that were refused cannot be told from the attack by "
      "its "
      "packets: they are among the refused.\n",
      grouped(number(served, "verified_packets")), grouped(number(served, "handshakes")),
      grouped(number(served, "answered")));
}

std::string replay(const json& reply) {
  const json& capture = object(reply, "capture");
  if (capture.empty()) return "\n## Packets\n\nNone were kept (detect.capture, or no room).\n";
  return fmt::format(
      "\n## Packets\n\n{} holds the heads of a sample of every vector's packets, from before the "
      "beginning to the end;\nwhat limits, restrictions and bans dropped is not sampled. Rates in "
      "it "
      "are lower than the attack's. To replay it:\n\n    {}\n",
      printable(text(capture, "file")), printable(text(capture, "replay")));
}

}  // namespace

std::string render_attack_report(const json& reply) {
  std::string out =
      fmt::format("# Attack {}\n\n{} to {} ({}).", printable(text(reply, "id")),
                  printable(text(reply, "since")),
                  flag(reply, "ended") ? printable(text(reply, "until")) : "now, it goes on",
                  seconds(reply, "duration_s"));
  if (const std::string suffering = text(reply, "suffering"); !suffering.empty())
    out += " It made suffer: " + printable(suffering) + ".";
  return out + "\n\n" + how_much(object(reply, "total")) + vectors(reply) + who(reply) +
         how_stopped(reply) + collateral(reply) + replay(reply);
}

std::string render_abuse_mail(const json& reply, const json& source) {
  const std::string address = printable(text(source, "source"));
  std::string to = text(source, "proto");
  if (const auto port = number(source, "dest_port"); port != 0) to += fmt::format(" port {}", port);
  return fmt::format(
      "To: (the abuse contact that whois {0} names)\n"
      "Subject: Abuse report: flood from {0}, {1}\n"
      "Content-Type: text/plain; charset=utf-8\n"
      "\n"
      "Hello,\n"
      "\n"
      "your address {0} took part in an attack on our host. It had completed a TCP handshake\n"
      "with us, so the address is not forged.\n"
      "\n"
      "Source:    {0}\n"
      "Attack:    {2}, {1} to {3} (UTC)\n"
      "Target:    {4}\n"
      "Rate:      {5}, where our limit is {6}\n"
      "Packets:   about {7}\n"
      "\n"
      "Please look at the machine: it is perhaps abused by a third party. We can send packet "
      "heads.\n",
      address, printable(text(reply, "since")), printable(text(reply, "id")),
      flag(reply, "ended") ? printable(text(reply, "until")) : "now", printable(to),
      printable(text(source, "rate")), printable(text(source, "limit_rate")),
      grouped(number(source, "packets")));
}

}  // namespace fw::cli
