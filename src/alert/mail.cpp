// SPDX-License-Identifier: MIT
#include "alert/mail.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>

namespace fw::alert {
namespace {

constexpr std::size_t kMaxLineBytes = 900;  // RFC 5322 section 2.1.1: 998
constexpr std::size_t kEncodedWordBytes =
    42;  // RFC 2047 section 2: a word is at most 75 characters

std::string base64(std::string_view bytes) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k)
      three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? kLetters[three >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

// Of a subject, which has no control character (message.hpp): as it is, or as encoded words.
std::string header_text(std::string_view text) {
  const auto plain = [](char c) { return c >= ' ' && c <= '~'; };
  if (std::ranges::all_of(text, plain) && text.find("=?") == std::string_view::npos)
    return std::string(text);
  std::string out;
  while (!text.empty()) {
    std::size_t end = std::min(kEncodedWordBytes, text.size());
    while (end > 1 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end;
    out += fmt::format("{}=?UTF-8?B?{}?=", out.empty() ? "" : "\n ", base64(text.substr(0, end)));
    text.remove_prefix(end);
  }
  return out;
}

std::string folded(std::string_view text) {
  std::string out;
  std::size_t column = 0;
  for (const char c : text) {
    const bool whole = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (column >= kMaxLineBytes && whole && c != '\n') {
      out += '\n';
      column = 0;
    }
    out += c;
    column = c == '\n' ? 0 : column + 1;
  }
  return out;
}

}  // namespace

std::string mail_text(const Package& package, const config::Alert& alert, const std::string& host,
                      WallTime when) {
  const Message& last = package.messages.back();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  return fmt::format(
      "From: Floodwall <{}>\nTo: {}\nSubject: {}\nDate: {:%a, %d %b %Y %H:%M:%S} +0000\n"
      "Message-ID: <floodwall.{}.{}@{}>\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
      "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{}\n\n{}\n",
      alert.mail_from, fmt::join(alert.mail, ",\n "),
      header_text("[floodwall] " + subject_of(package, host)), fmt::gmtime(seconds), last.id,
      seconds, host, last.kind == Kind::test || package.messages.size() > 1 ? "" : last.subject,
      folded(text_of(package)));
}

std::vector<std::string> mail_command(const config::Alert& alert) {
  std::vector<std::string> arguments = alert.sendmail;
  arguments.insert(arguments.end(), {"-i", "-f", alert.mail_from, "--"});
  arguments.insert(arguments.end(), alert.mail.begin(), alert.mail.end());
  return arguments;
}

}  // namespace fw::alert
