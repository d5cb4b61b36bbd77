// SPDX-License-Identifier: MIT
// Checks of single texts.
#include "config/keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "base/endpoint.hpp"
#include "base/terminal_text.hpp"

namespace fw::config {

namespace {

constexpr std::size_t kInterfaceBytes = 15;  // IFNAMSIZ of linux/if.h, less its end
constexpr std::size_t kNameBytes = 32;       // judgement: a column of `floodwall status`
constexpr std::size_t kMaxArguments = 64;    // judgement
constexpr std::size_t kMaxUrlBytes = 2048;   // judgement: longer ones are a mistake
constexpr std::size_t kMaxMails = 16;        // judgement
constexpr std::size_t kMaxMailBytes = 254;   // RFC 5321 section 4.5.3.1.3, without the brackets

std::string check_name(const std::string& name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (name.size() <= kNameBytes && std::ranges::all_of(name, good)) return {};
  return fmt::format("must be at most {} letters, digits, - _ or .", kNameBytes);
}

bool is_printable_ascii(char c) {
  return c > ' ' && c < 0x7f;
}

// What a header and a command line bear as it is: no quotes, no spaces, no option.
bool is_mail_address(std::string_view text, bool needs_domain) {
  const auto good = [](char c) {
    return is_printable_ascii(c) &&
           std::string_view("\"(),:;<>[]\\").find(c) == std::string_view::npos;
  };
  const std::size_t at = text.find('@');
  const bool has_domain = at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
                          text.find('@', at + 1) == std::string_view::npos;
  return !text.empty() && text.size() <= kMaxMailBytes && std::ranges::all_of(text, good) &&
         text.front() != '-' && (has_domain || (!needs_domain && at == std::string_view::npos));
}

}  // namespace

std::string check_interfaces(const std::vector<std::string>& names) {
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (name->size() > kInterfaceBytes || name->find_first_of("/ \t\n") != std::string::npos)
      return fmt::format("\"{}\" is no name of an interface", *name);
    if (std::find(names.begin(), name, *name) != name)
      return fmt::format("\"{}\" is named twice", *name);
  }
  if (names.empty()) return "must be \"auto\" or name an interface";
  if (names.size() > 1 && std::ranges::find(names, "auto") != names.end())
    return "\"auto\" stands alone: it means every uplink";
  return {};
}

std::string check_service_name(const std::string& name) {
  if (std::string fault = check_name(name); !fault.empty()) return fault;
  if (name == "default" || name == "prefix")
    return fmt::format("is the name of [limit.{}]: choose another", name);
  return {};
}

std::string check_alert_name(const std::string& name) {
  return check_name(name);
}

std::string check_command(const std::vector<std::string>& arguments) {
  if (arguments.empty() || !arguments.front().starts_with('/'))
    return "must begin with a program's path from the root, such as \"/usr/local/bin/page\"";
  if (arguments.size() > kMaxArguments)
    return fmt::format("has more than {} arguments", kMaxArguments - 1);
  for (const std::string& each : arguments)
    if (each.find('\0') != std::string::npos) return "must have no NUL character";
  return {};
}

std::string check_url(const std::string& url) {
  const std::string_view text = url;
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return "must begin with http:// or https://";
  if (text.size() > kMaxUrlBytes) return fmt::format("is longer than {} bytes", kMaxUrlBytes);
  if (!std::ranges::all_of(text, is_printable_ascii))
    return "must have no space and no character that is not ASCII: write it as %20";
  const std::string_view host = text.substr(scheme, text.find_first_of("/?#", scheme) - scheme);
  if (host.empty() || host.ends_with('@')) return "must name a host after http:// or https://";
  return {};
}

std::string check_mail(const std::vector<std::string>& addresses) {
  if (addresses.empty()) return "must name an address";
  if (addresses.size() > kMaxMails) return fmt::format("has more than {} addresses", kMaxMails);
  for (const std::string& each : addresses)
    if (!is_mail_address(each, false))
      return fmt::format("\"{}\" is no address such as ops@example.org or root",
                         printable_excerpt(each));
  return {};
}

std::string check_mail_from(const std::string& address) {
  if (is_mail_address(address, false)) return {};
  return "must be an address such as floodwall@example.org, or a user";
}

std::string check_alert_words(const std::vector<std::string>& words) {
  if (words.empty()) return "must name one of what alerts are about";
  for (const std::string& each : words)
    if (std::ranges::find(kAlertWords, each) == kAlertWords.end())
      return fmt::format("\"{}\" is none of \"{}\"", printable_excerpt(each),
                         fmt::join(kAlertWords, "\", \""));
  return {};
}

std::string check_listen(const std::string& text) {
  if (text == "off") return {};
  const Result<Endpoint> at = Endpoint::parse(text);
  return at ? std::string() : at.error().message + "; or \"off\"";
}

std::string check_pem_path(const std::string& text) {
  if (text == "none" || text.starts_with('/')) return {};
  return "must be a path from the root, such as \"/etc/ssl/floodwall.pem\", or \"none\"";
}

std::string check_host_names(const std::vector<std::string>& names) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  for (const std::string& name : names)
    if (!std::ranges::all_of(name, good))
      return fmt::format("\"{}\" is no host name in lower case", name);
  return {};
}

}  // namespace fw::config
