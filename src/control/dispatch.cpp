// SPDX-License-Identifier: MIT
// Routes of the API and the form of its answers.
#include "control/dispatch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "base/nearest.hpp"
#include "control/request.hpp"

namespace fw::control {

namespace {

using nlohmann::json;

constexpr std::string_view kRoot = "/v1";
constexpr std::string_view kLines = "lines";  // begins the query of a POST that is not JSON
constexpr int kDeepest = 8;                   // levels of nesting: a request needs two
constexpr std::size_t kLongestError = 400;    // of the JSON library, whose errors quote the input

struct Kind {
  ErrorKind kind;
  std::string_view word;
  unsigned status;
};
constexpr std::array<Kind, 6> kKinds{{
    {ErrorKind::failed, "failed", 500},
    {ErrorKind::usage, "usage", 400},
    {ErrorKind::not_running, "not_running", 503},
    {ErrorKind::not_permitted, "not_permitted", 403},
    {ErrorKind::refused, "refused", 409},
    {ErrorKind::invalid_config, "invalid_config", 422},
}};

std::string text_of(const json& value) {
  // A log line or a path may hold bytes that are not UTF-8; they are replaced.
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

Answer usage(unsigned status, std::string message) {
  Answer answer = error_answer({ErrorKind::usage, std::move(message)});
  answer.status = status;
  return answer;
}

json verb_list() {
  json verbs = json::array();
  for (const Verb& verb : kVerbs) {
    json options = json::array();
    for (const Option& option : verb.options)
      options.push_back({{"name", option.name}, {"value", option.value}, {"help", option.help}});
    verbs.push_back(
        {{"name", verb.name},
         {"summary", verb.summary},
         {"argument", verb.argument},
         {"at_least", verb.at_least},
         {"at_most", verb.at_most},
         {"choices", json(std::vector<std::string>(verb.choices.begin(), verb.choices.end()))},
         {"options", std::move(options)},
         {"access", verb.access == Access::read ? "read" : "change"}});
  }
  return {{"verbs", std::move(verbs)}};
}

// For nlohmann's parser, which can only be stopped by an exception. It does not recurse itself, but
// what it builds is walked and freed by functions that do.
bool check_depth(int depth, json::parse_event_t event, const json&) {
  const bool deeper =
      event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
  if (deeper && depth >= kDeepest) throw std::length_error("the request is nested too deeply");
  return true;
}

Result<json> parse_body(std::string_view body) {
  if (body.empty()) return json::object();
  try {
    return json::parse(body, check_depth);
  } catch (const std::length_error& error) {
    return fail(ErrorKind::usage, error.what());
  } catch (const json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 7: ..."
    std::string_view what = error.what();
    if (what.starts_with('[')) what.remove_prefix(std::min(what.size(), what.find("] ") + 2));
    return fail(ErrorKind::usage,
                fmt::format("the request is not JSON: {}", what.substr(0, kLongestError)));
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return fail(ErrorKind::usage, "a % in the query must be followed by two hex digits");
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

// "address=a&address=b&strict" in the form of a POST's body.
Result<json> parse_query(const Verb& verb, std::string_view query) {
  json request = json::object();
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto key = unescaped(pair.substr(0, equals));
    auto value = unescaped(pair.substr(std::min(pair.size(), equals + 1)));
    if (!key) return std::unexpected(std::move(key).error());
    if (!value) return std::unexpected(std::move(value).error());
    const auto option = std::ranges::find(verb.options, *key, &Option::name);
    if (*key == verb.argument)
      request[*key].push_back(std::move(*value));
    else if (option != verb.options.end() && option->value.empty())
      request[*key] = *value != "false";
    else
      request[*key] = std::move(*value);
  }
  return request;
}

using Read = std::variant<Request, Answer>;

Read read(const Verb& verb, const Result<json>& keys, std::string_view lines = {}) {
  if (!keys) return error_answer(keys.error());
  Result<Request> request = parse_request(verb, *keys, lines);
  if (!request) return error_answer(request.error());
  return std::move(*request);
}

Answer no_route(std::string_view name) {
  const auto known = names_of(kVerbs);
  const std::string meant = did_you_mean(name, known);
  return usage(404, fmt::format("no verb \"{}\"{}", name.substr(0, 80),
                                meant.empty() ? "; GET /v1 lists them" : meant));
}

}  // namespace

std::string_view kind_word(ErrorKind kind) {
  const auto* const found = std::ranges::find(kKinds, kind, &Kind::kind);
  return found == kKinds.end() ? kKinds.front().word : found->word;
}

ErrorKind kind_of_word(std::string_view word) {
  const auto* const found = std::ranges::find(kKinds, word, &Kind::word);
  return found == kKinds.end() ? ErrorKind::failed : found->kind;
}

Answer error_answer(const Error& error) {
  const auto* const found = std::ranges::find(kKinds, error.kind, &Kind::kind);
  const Kind& kind = found == kKinds.end() ? kKinds.front() : *found;
  const json body{
      {"error",
       {{"kind", kind.word}, {"exit", static_cast<int>(kind.kind)}, {"message", error.message}}}};
  return {kind.status, text_of(body), {}};
}

std::variant<Request, Answer> read_ask(const Ask& ask, const Peer& peer) {
  if (!peer.allowed)
    return error_answer({ErrorKind::not_permitted,
                         fmt::format("user {} may not use the API: run with sudo, or join the "
                                     "group that api.group names",
                                     peer.uid)});
  const std::size_t mark = std::min(ask.target.find('?'), ask.target.size());
  std::string_view path = ask.target.substr(0, mark);
  const std::string_view query = ask.target.substr(std::min(ask.target.size(), mark + 1));
  const bool get = ask.method == "GET", post = ask.method == "POST";
  if (path == kRoot || path == "/v1/") {
    if (get) return Answer{200, text_of(verb_list()), {}};
    Answer answer = usage(405, "/v1 is only read: GET");
    answer.allow = "GET";
    return answer;
  }
  if (!path.starts_with("/v1/"))
    return usage(404, fmt::format("no \"{}\": the API is at /v1/VERB, GET /v1 lists the verbs",
                                  path.substr(0, 80)));
  path.remove_prefix(kRoot.size() + 1);
  const Verb* const verb = find_verb(path);
  if (verb == nullptr) return no_route(path);
  if (post && (query == kLines || query.starts_with("lines&"))) {
    const std::string_view options = query.substr(std::min(query.size(), kLines.size() + 1));
    return read(*verb, parse_query(*verb, options), ask.body);
  }
  if (post && query.empty()) return read(*verb, parse_body(ask.body));
  if (post) return usage(400, "options of a POST go into its JSON body, not into the query");
  if (get && verb->access == Access::read) return read(*verb, parse_query(*verb, query));
  const bool readable = verb->access == Access::read;
  Answer answer = usage(405, fmt::format("{}: use POST{}", verb->name, readable ? " or GET" : ""));
  answer.allow = readable ? "GET, POST" : "POST";
  return answer;
}

Result<void> permit(const Request& request, const Peer& peer) {
  if (peer.allowed && (!peer.read_only || !request.is_order())) return {};
  return fail(ErrorKind::not_permitted,
              fmt::format("user {} may look, but not change anything ({}): run with sudo, or join "
                          "the group that api.group names, and log in again",
                          peer.uid, request.verb->name));
}

Answer answer_of(const Result<json>& reply) {
  return reply ? Answer{200, text_of(*reply), {}} : error_answer(reply.error());
}

Answer dispatch(const Ask& ask, const Peer& peer, const Handler& handler) {
  Read read = read_ask(ask, peer);
  if (Answer* answer = std::get_if<Answer>(&read)) return std::move(*answer);
  const Request& request = std::get<Request>(read);
  if (auto permitted = permit(request, peer); !permitted) return error_answer(permitted.error());
  try {
    return answer_of(handler(request));
  } catch (const std::exception& error) {
    return error_answer(
        {ErrorKind::failed, fmt::format("{}: {}", request.verb->name, error.what())});
  }
}

}  // namespace fw::control
