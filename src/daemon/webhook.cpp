// SPDX-License-Identifier: MIT
// Sends one webhook with libcurl, in a process apart: a server that hangs, or one that attacks its
// client, has to do with that alone.
#include <curl/curl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/version.hpp"
#include "daemon/apart.hpp"

namespace fw::daemon {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostInput = 8U << 20;  // a digest of 50 messages is below a megabyte
constexpr std::size_t kMostReply = 64U << 10;
constexpr long kConnectMs = 5'000, kAllMs = 10'000;  // judgement; docs/alerts.md

constexpr std::string_view kShutIn =
    " (the packaged service reaches no other host, unless systemctl edit floodwall allows it: "
    "docs/alerts.md)";

// The reply says nothing that is used.
std::size_t count_only(char*, std::size_t size, std::size_t count, void* seen) {
  auto& bytes = *static_cast<std::size_t*>(seen);
  bytes += size * count;
  return bytes <= kMostReply ? size * count : 0;
}

std::string read_input() {
  std::string text;
  char part[4096];
  for (std::size_t got = 0; (got = std::fread(part, 1, sizeof part, stdin)) > 0;) {
    text.append(part, got);
    if (text.size() > kMostInput) return "";
  }
  return text;
}

int failed(std::string_view why) {
  fmt::print("{}\n", why);
  return 1;
}

int verdict_of(long status) {
  if (status >= 200 && status < 300) return 0;
  if (status >= 300 && status < 400)
    return failed(fmt::format("HTTP {}: it redirects, which is not followed", status));
  return failed(fmt::format("HTTP {}", status));
}

int post(const std::string& url, const Json& headers, const std::string& body) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 curl_easy_cleanup);
  if (!curl) return failed("libcurl does not start");
  curl_slist* list = nullptr;
  for (const Json& header : headers)
    list = curl_slist_append(list, header.get<std::string>().c_str());
  list = curl_slist_append(list, "Expect:");
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owner(list,
                                                                          curl_slist_free_all);
  const std::string agent = fmt::format("floodwall/{}", kVersion);
  std::size_t seen = 0;
  CURL* const handle = curl.get();
  const auto set = [handle](CURLoption option, auto value) {
    return curl_easy_setopt(handle, option, value) == CURLE_OK;
  };
  // An option that this libcurl does not know must not be missed unseen.
  const bool is_set = set(CURLOPT_PROTOCOLS_STR, "http,https") && set(CURLOPT_FOLLOWLOCATION, 0L) &&
                      set(CURLOPT_URL, url.c_str()) && set(CURLOPT_NOPROXY, "*") &&
                      set(CURLOPT_NOSIGNAL, 1L) && set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMs) &&
                      set(CURLOPT_TIMEOUT_MS, kAllMs) && set(CURLOPT_POSTFIELDS, body.c_str()) &&
                      set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size())) &&
                      set(CURLOPT_HTTPHEADER, list) && set(CURLOPT_USERAGENT, agent.c_str()) &&
                      set(CURLOPT_WRITEFUNCTION, count_only) && set(CURLOPT_WRITEDATA, &seen);
  if (!is_set) return failed("this libcurl is too old");
  const CURLcode code = curl_easy_perform(handle);
  long status = 0;
  (void)curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  // A reply that is too long, or that never ends, came after its status.
  if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && status != 0)) return verdict_of(status);
  long refusal = 0;
  (void)curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &refusal);
  const bool is_shut_in = refusal == EPERM || code == CURLE_COULDNT_RESOLVE_HOST;
  // It does not have the URL.
  return failed(fmt::format("{}{}", curl_easy_strerror(code), is_shut_in ? kShutIn : ""));
}

}  // namespace

std::string webhook_input(const std::string& url, const std::vector<std::string>& headers,
                          const std::string& body) {
  return Json{{"url", url}, {"headers", headers}, {"body", body}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

int send_webhook() {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return failed("libcurl does not start");
  const Json input = Json::parse(read_input(), nullptr, false);
  if (!input.is_object()) return failed("there is no webhook on standard input");
  return post(input.at("url").get<std::string>(), input.at("headers"),
              input.at("body").get<std::string>());
}

}  // namespace fw::daemon
