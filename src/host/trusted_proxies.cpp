// SPDX-License-Identifier: MIT
#include "host/trusted_proxies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>
#include <system_error>

#include "base/file.hpp"

namespace fw::host {

namespace {

using std::filesystem::path;

// judgement: far more than a web server has, and read in well under a second
constexpr std::size_t kMostFiles = 400, kMostEntries = 20'000, kMostLines = 400;
constexpr std::uint64_t kMostBytes = 1 << 20;

constexpr std::array<std::string_view, 3> kDirectives{"set_real_ip_from", "remoteiptrustedproxy",
                                                      "remoteipinternalproxy"};

void look_at_line(const std::string& line, const std::string& where,
                  std::vector<TrustedProxy>& out) {
  std::istringstream words(line.substr(0, line.find('#')));
  std::string word;
  if (!(words >> word)) return;
  std::ranges::transform(word, word.begin(), [](unsigned char letter) {
    return static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter);
  });
  if (std::ranges::find(kDirectives, word) == kDirectives.end()) return;
  while (out.size() < kMostLines && words >> word) {
    word.erase(std::min(word.find(';'), word.size()));
    // A server on this machine hands on what another one accepted: that is nothing in front.
    if (word.empty() || word.starts_with("127.") || word == "::1" || word == "unix:") continue;
    out.push_back({.proxy = word, .where = where});
  }
}

void look_at_file(const path& file, std::vector<TrustedProxy>& out) {
  const auto text = read_file(file, kMostBytes);
  if (!text) return;
  std::istringstream lines(*text);
  std::size_t number = 0;
  for (std::string line; out.size() < kMostLines && std::getline(lines, line);)
    look_at_line(line, fmt::format("{}:{}", file.native(), ++number), out);
}

}  // namespace

std::vector<TrustedProxy> trusted_proxies(std::span<const path> folders) {
  std::vector<path> files;
  std::size_t seen = 0;
  for (const path& folder : folders) {
    std::error_code error;
    std::filesystem::recursive_directory_iterator at(
        folder, std::filesystem::directory_options::skip_permission_denied, error);
    for (; !error && at != std::filesystem::recursive_directory_iterator{}; at.increment(error)) {
      if (++seen > kMostEntries || files.size() >= kMostFiles) break;
      std::error_code unread;
      if (at->is_regular_file(unread)) files.push_back(at->path());
    }
  }
  std::ranges::sort(files);
  std::vector<TrustedProxy> out;
  for (const path& file : files) look_at_file(file, out);
  return out;
}

std::vector<TrustedProxy> trusted_proxies() {
  // Not sites-available or mods-available: what is there need not be in use.
  static const std::array<path, 7> kFolders{
      "/etc/nginx/conf.d",          "/etc/nginx/sites-enabled",  "/etc/nginx/snippets",
      "/etc/apache2/sites-enabled", "/etc/apache2/conf-enabled", "/etc/apache2/mods-enabled",
      "/etc/httpd/conf.d"};
  std::vector<TrustedProxy> out;
  for (const char* file : {"/etc/nginx/nginx.conf", "/etc/apache2/apache2.conf"})
    look_at_file(file, out);
  std::ranges::move(trusted_proxies(kFolders), std::back_inserter(out));
  if (out.size() > kMostLines) out.resize(kMostLines);
  return out;
}

}  // namespace fw::host
