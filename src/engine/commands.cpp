// SPDX-License-Identifier: MIT
// Every verb of the product, in the order of `floodwall --help`. A handler reads the request, gives
// the order to the engine or the daemon, and writes the reply; report/ writes the long ones.
#include "engine/commands.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/moment.hpp"
#include "base/nearest.hpp"
#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "base/words.hpp"
#include "engine/check.hpp"
#include "engine/learn/suggest.hpp"
#include "engine/report/report.hpp"
#include "engine/report/why_now.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;
using control::Request;

struct Context {
  Engine& engine;
  ServiceControl& service;
  const Now& now;
};

// ------------------------------------------------------------------- reading a request

Result<std::vector<Prefix>> prefixes_of(const Request& request) {
  std::vector<Prefix> prefixes;
  prefixes.reserve(request.arguments.size());
  for (const std::string& argument : request.arguments) {
    const Result<Prefix> prefix = Prefix::parse(argument);
    if (!prefix) return fail(ErrorKind::usage, prefix.error().message);
    prefixes.push_back(*prefix);
  }
  return prefixes;
}

std::string text_option(const Request& request, std::string_view name) {
  return std::string(request.option(name).value_or(""));
}

// A duration option in nanoseconds, or `otherwise`.
Result<std::uint64_t> span_option(const Request& request, std::string_view name,
                                  std::uint64_t otherwise_ns) {
  const auto text = request.option(name);
  if (!text) return otherwise_ns;
  const Result<Milliseconds> duration = parse_duration(*text);
  if (!duration) return fail(ErrorKind::usage, duration.error().message);
  return static_cast<std::uint64_t>(duration->count()) * kMillisecond;
}

Result<std::uint64_t> number_option(const Request& request, std::string_view name,
                                    std::uint64_t otherwise) {
  const auto text = request.option(name);
  if (!text) return otherwise;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size())
    return fail(ErrorKind::usage, fmt::format("{} = \"{}\": must be a number", name, *text));
  return number;
}

Json reply(const Request& request, const Outcomes& outcomes) {
  Json counts = {{"count", outcomes.size()},
                 {"changed", std::ranges::count_if(outcomes, &Outcome::changed)}};
  if (request.flag("brief")) return counts;
  Json results = Json::array();
  for (const Outcome& outcome : outcomes) {
    Json& row = results.emplace_back(Json::object());
    row["address"] = outcome.prefix.text();
    row["changed"] = outcome.changed;
    row["message"] = outcome.message;
  }
  counts["results"] = std::move(results);
  return counts;
}

Result<Json> reply(const Request& request, const Result<Outcomes>& outcomes) {
  if (!outcomes) return std::unexpected(outcomes.error());
  return reply(request, *outcomes);
}

// ------------------------------------------------------------------- the verbs

Result<Json> status(const Context& context, const Request&) {
  return status_report(context.engine.view(context.now), context.now);
}

Result<Json> list(const Context& context, const Request& request) {
  const std::string by = text_option(request, "by");
  const bool by_dropped = by == "dropped";
  const std::string what = request.arguments.empty() ? "all" : request.arguments.front();
  const bool of_now = what == "sources" || what == "ports";
  if (!by.empty() && (!of_now || (!by_dropped && by != "packets")))
    return fail(ErrorKind::usage, of_now
                                      ? fmt::format("by = \"{}\": must be packets or dropped", by)
                                      : "--by is for list sources and list ports");
  if (what == "sources")
    return sources_report(context.engine.view(context.now), by_dropped, context.now);
  if (what == "ports") return ports_report(context.engine.view(context.now), by_dropped);
  return list_report(context.engine.view(context.now), what, context.now);
}

Result<Json> why(const Context& context, const Request& request) {
  const auto prefixes = prefixes_of(request);
  if (!prefixes) return std::unexpected(prefixes.error());
  std::optional<PortKey> port;
  if (const auto text = request.option("port")) {
    port = parse_port(*text);
    if (!port)
      return fail(ErrorKind::usage,
                  fmt::format("port = \"{}\": must be a protocol and a port, as udp/27015", *text));
  }
  const View view = context.engine.view(context.now);
  Json answers = Json::array();
  for (const Prefix& prefix : *prefixes)
    answers.push_back(why_report(view, prefix, port, context.now));
  return Json{{"answers", std::move(answers)}};
}

Result<Json> ban(const Context& context, const Request& request) {
  const auto prefixes = prefixes_of(request);
  if (!prefixes) return std::unexpected(prefixes.error());
  if (request.flag("forever") && request.flag("for"))
    return fail(ErrorKind::usage, "--for and --forever exclude each other");
  const auto span_ns = span_option(request, "for", FW_FOREVER);
  if (!span_ns) return std::unexpected(span_ns.error());
  return reply(request, context.engine.ban(*prefixes,
                                           {.span_ns = *span_ns,
                                            .reason = text_option(request, "reason"),
                                            .force = request.flag("force"),
                                            .brief = request.flag("brief")},
                                           context.now));
}

Result<Json> unban(const Context& context, const Request& request) {
  if (request.flag("all") == !request.arguments.empty())
    return fail(ErrorKind::usage, "unban wants either addresses or --all");
  if (request.flag("all")) return reply(request, context.engine.unban_all(context.now));
  const auto prefixes = prefixes_of(request);
  if (!prefixes) return std::unexpected(prefixes.error());
  return reply(request, context.engine.unban(*prefixes, request.flag("strict"), context.now));
}

using Later = Deferred<Result<Json>>;

// `outcomes` as the reply.
Result<Later> reply_later(const Request& request,
                          const Result<Deferred<Result<Outcomes>>>& outcomes) {
  if (!outcomes) return std::unexpected(outcomes.error());
  return Later{.work = outcomes->work,
               .finish = [request, finish = outcomes->finish](const Now& now) {
                 return reply(request, finish(now));
               }};
}

Result<Json> allow_for(const Context& context, const Request& request) {
  const auto prefixes = prefixes_of(request);
  if (!prefixes) return std::unexpected(prefixes.error());
  const std::string comment = text_option(request, "comment");
  const auto span_ns = span_option(request, "for", 0);
  if (!span_ns) return std::unexpected(span_ns.error());
  return reply(request, context.engine.allow_for(*prefixes, *span_ns, comment, context.now));
}

Result<Later> allow(const Context& context, const Request& request) {
  const auto prefixes = prefixes_of(request);
  if (!prefixes) return std::unexpected(prefixes.error());
  return reply_later(request,
                     context.engine.allow(*prefixes, text_option(request, "comment"), context.now));
}

Result<Later> unallow(const Context& context, const Request& request) {
  const auto prefixes = prefixes_of(request);
  if (!prefixes) return std::unexpected(prefixes.error());
  return reply_later(request,
                     context.engine.unallow(*prefixes, request.flag("strict"), context.now));
}

Json mode_reply(Mode mode, std::string message) {
  return {{"mode", word(mode)}, {"message", std::move(message)}};
}

std::string mode_in_words(Mode mode) {
  switch (mode) {
    case Mode::off:
      return "off: detached from every interface, nothing is protected; floodwall mode enforce "
             "switches on again";
    case Mode::observe:
      return "observe: everything passes; what would be dropped is reported. This stays over "
             "restarts "
             "until the mode in floodwall.toml is changed";
    case Mode::enforce:
      return "enforce: floods are dropped. This stays over restarts until the mode in "
             "floodwall.toml "
             "is changed";
  }
  return "";
}

Result<Json> mode(const Context& context, const Request& request) {
  const Mode current = context.engine.mode();
  if (request.arguments.empty())
    return mode_reply(current, fmt::format("mode is {}", word(current)));
  const std::string& wanted = request.arguments.front();
  // Off is looked at again: something may be attached behind the engine's back.
  if (wanted == word(current) && current != Mode::off)
    return mode_reply(current, fmt::format("mode was {} already", wanted));
  const Mode next = wanted == word(Mode::off)       ? Mode::off
                    : wanted == word(Mode::enforce) ? Mode::enforce
                                                    : Mode::observe;
  if (Result<void> set = context.service.set_mode(next, context.now); !set)
    return std::unexpected(set.error());
  return mode_reply(next, mode_in_words(next));
}

// From a mode in which everything passes.
Result<Later> enforce(const Context& context, const Request& request) {
  ServiceControl& service = context.service;
  const auto set = [&service](const Now& now) -> Result<Json> {
    if (Result<void> done = service.set_mode(Mode::enforce, now); !done)
      return std::unexpected(done.error());
    return mode_reply(Mode::enforce, mode_in_words(Mode::enforce));
  };
  if (request.flag("force")) return Later{.work = [] {}, .finish = set};
  auto judged = service.judge_enforcing(context.now);
  return Later{
      .work = std::move(judged.work),
      .finish = [objections = std::move(judged.finish), set](const Now& now) {
        const std::vector<std::string> found = objections(now);
        if (found.empty()) return set(now);
        return Result<Json>(fail(ErrorKind::refused,
                                 fmt::format("{}\nThe mode is as before. To enforce all the same: "
                                             "floodwall mode enforce --force",
                                             fmt::join(found, "\n"))));
      }};
}

// Of the daemon's own configuration only. The daemon runs it in a thread with the rights of the
// caller (daemon/api_service.hpp).
Result<Json> check(const Context& context, const Request&) {
  return check_for_caller(context.service.config_file());
}

Result<Later> apply(const Context& context, const Request& request) {
  ApplyOrder order{.force = request.flag("force"), .accept = request.flag("accept")};
  if (request.flag("confirm")) {
    const auto span_ns = span_option(request, "confirm", 0);
    if (!span_ns) return std::unexpected(span_ns.error());
    if (*span_ns == 0) return fail(ErrorKind::usage, "confirm = \"0s\": must be longer");
    order.confirm_ns = *span_ns;
  }
  auto reload = context.service.reload(order, context.now);
  const auto reply = [order](const Result<std::vector<std::string>>& changes) -> Result<Json> {
    if (!changes) return std::unexpected(changes.error());
    std::string message = changes->empty() ? "in force already: nothing changed"
                                           : "the configuration on disk is in force";
    if (order.confirm_ns)
      message += fmt::format("; within {}: floodwall confirm, or the former one returns",
                             duration_in_words(*order.confirm_ns));
    return Json{{"message", std::move(message)}, {"changes", *changes}};
  };
  return Later{.work = std::move(reload.work),
               .finish = [finish = std::move(reload.finish), reply](const Now& now) {
                 return reply(finish(now));
               }};
}

Result<Json> confirm(const Context& context, const Request&) {
  if (Result<void> done = context.service.confirm(context.now); !done)
    return std::unexpected(done.error());
  return Json{{"message", "confirmed: the configuration stays in force"}};
}

Result<Json> signature(const Context& context, const Request& request) {
  const std::string& name = request.arguments.front();
  const bool remove = request.flag("remove");
  if (remove == request.flag("pin"))
    return fail(ErrorKind::usage, "signature wants either --remove or --pin");
  SignatureTable& signatures = context.engine.detector().signatures();
  if (!(remove ? signatures.remove(name, context.now) : signatures.pin(name)))
    return fail(ErrorKind::failed,
                fmt::format("{}: there is no such signature: see floodwall list signatures", name));
  return Json{
      {"message", remove ? fmt::format("{} is out: what matched it is judged like the rest", name)
                         : fmt::format("{} stays in force until it is removed", name)}};
}

Result<Json> baseline(const Context& context, const Request& request) {
  if (request.flag("reset")) {
    if (Result<void> reset = context.engine.reset_baseline(context.now); !reset)
      return std::unexpected(reset.error());
    context.service.store_baseline();
  }
  return baseline_report(context.engine.view(context.now));
}

Result<Json> suggest(const Context& context, const Request&) {
  const Engine& engine = context.engine;
  return Json{{"toml", suggestion(engine.baseline(), engine.settings().config.budgets,
                                  "the normal load that this daemon saw")},
              {"seconds", engine.baseline().seconds()}};
}

// The text is for a file or a scraper, as that of `suggest` is.
Result<Json> metrics(const Context& context, const Request&) {
  return Json{{"text", metrics_text(context.engine.view(context.now))}};
}

Result<Later> alert(const Context& context, const Request& request) {
  if (request.arguments.front() != "test")
    return fail(ErrorKind::usage, fmt::format("alert {}: write floodwall alert test [NAME]",
                                              request.arguments.front()));
  auto sent = context.service.test_alerts(request.arguments.size() > 1 ? request.arguments[1] : "");
  return Later{.work = std::move(sent.work),
               .finish = [finish = std::move(sent.finish)](const Now& now) -> Result<Json> {
                 const Result<std::string> message = finish(now);
                 if (!message) return std::unexpected(message.error());
                 return Json{{"message", *message}};
               }};
}

// The one named, else the open one, else the last.
Result<Json> attack(const Context& context, const Request& request) {
  const Detector& detector = context.engine.detector();
  const Attack* found = nullptr;
  const std::string wanted = request.arguments.empty() ? "" : request.arguments.front();
  for (const Attack& past : detector.past())
    if (wanted.empty() || past.id == wanted) found = &past;
  if (detector.attack() && (wanted.empty() || detector.attack()->id == wanted))
    found = &*detector.attack();
  if (found == nullptr)
    return fail(
        ErrorKind::failed,
        wanted.empty()
            ? "no attack is known"
            : fmt::format("{}: there is no such attack: see floodwall list attacks", wanted));
  return whole_attack_report(*found, context.service.config_file().native(), context.now);
}

Result<Json> settings(const Context& context, const Request&) {
  Json rows = Json::array();
  for (const config::Setting& each :
       config::settings(context.engine.settings().config, context.service.source()))
    rows.push_back({{"key", each.key}, {"value", each.value}, {"place", each.place}});
  return Json{{"settings", std::move(rows)}};
}

Result<Json> web(const Context& context, const Request& request) {
  return context.service.web(request);
}

// "Ban,Unban"
Result<std::vector<EventType>> event_types_of(std::string_view words) {
  std::vector<EventType> types;
  while (!words.empty()) {
    const std::string_view each = words.substr(0, words.find(','));
    words.remove_prefix(std::min(words.size(), each.size() + 1));
    if (const auto type = event_type_named(each)) {
      types.push_back(*type);
      continue;
    }
    std::vector<std::string_view> known;
    for (std::size_t i = 0; i < kEventTypes; ++i) known.push_back(word(static_cast<EventType>(i)));
    const std::string meant = did_you_mean(each, known);
    return fail(
        ErrorKind::usage,
        fmt::format("no event type \"{}\"{}", each,
                    meant.empty() ? fmt::format("; there are {}", fmt::join(known, ", ")) : meant));
  }
  return types;
}

Result<Json> events(const Context& context, const Request& request) {
  const auto since_ns = span_option(request, "since", FW_FOREVER);
  const auto after = number_option(request, "after", 0);
  const auto limit = number_option(request, "limit", 1000);
  for (const auto* number : {&since_ns, &after, &limit})
    if (!*number) return std::unexpected(number->error());
  EventQuery query{.since_ns = *since_ns, .after = *after, .limit = *limit};
  if (const auto text = request.option("address")) {
    const Result<Prefix> prefix = Prefix::parse(*text);
    if (!prefix) return fail(ErrorKind::usage, prefix.error().message);
    query.prefix = *prefix;
  }
  auto types = event_types_of(text_option(request, "type"));
  if (!types) return std::unexpected(types.error());
  query.types = std::move(*types);
  query.attack = text_option(request, "attack");
  for (const auto& [name, moment] : {std::pair{"from", &query.from}, {"until", &query.until}}) {
    const auto text = request.option(name);
    if (!text) continue;
    const auto parsed = parse_moment(*text, context.now.wall);
    if (!parsed) return std::unexpected(parsed.error());
    *moment = *parsed;
  }
  return events_report(context.engine.journal(), query, context.now);
}

// ------------------------------------------------------------------- the table

struct Handler {
  std::string_view verb;
  Result<Json> (*run)(const Context&, const Request&);
  // Of requests that take long; is_long() says which.
  Result<Later> (*begin)(const Context&, const Request&) = nullptr;
};
constexpr std::array kHandlers{
    Handler{"status", status},
    Handler{"list", list},
    Handler{"why", why},
    Handler{"ban", ban},
    Handler{"unban", unban},
    Handler{"allow", allow_for, allow},
    Handler{"unallow", nullptr, unallow},
    Handler{"mode", mode, enforce},
    Handler{"check", check},
    Handler{"apply", nullptr, apply},
    Handler{"confirm", confirm},
    Handler{"attack", attack},
    Handler{"events", events},
    Handler{"signature", signature},
    Handler{"baseline", baseline},
    Handler{"suggest", suggest},
    Handler{"alert", nullptr, alert},
    Handler{"metrics", metrics},
    Handler{"settings", settings},
    Handler{"web", web},
};

constexpr const Handler* find_handler(std::string_view verb) {
  for (const Handler& handler : kHandlers)
    if (handler.verb == verb) return &handler;
  return nullptr;
}

static_assert(std::ranges::all_of(control::kVerbs,
                                  [](const auto& verb) { return find_handler(verb.name); }),
              "every verb has a handler");

}  // namespace

Result<Json> ServiceControl::web(const Request&) {
  return fail("there is no web page here");
}

bool Commands::is_long(const Request& request) const {
  const Handler* handler = request.verb == nullptr ? nullptr : find_handler(request.verb->name);
  if (handler == nullptr || handler->begin == nullptr) return false;
  if (handler->verb == "allow") return !request.flag("for");
  if (handler->verb == "mode")
    return !request.arguments.empty() && request.arguments.front() == word(Mode::enforce) &&
           engine_.mode() != Mode::enforce;
  return true;
}

Result<Later> Commands::begin(const Request& request, const Now& now) {
  const Handler* handler = request.verb == nullptr ? nullptr : find_handler(request.verb->name);
  if (handler == nullptr || handler->begin == nullptr)
    return fail(ErrorKind::usage, "no such command");
  engine_.drain_events(now);
  return handler->begin({engine_, service_, now}, request);
}

Result<Json> Commands::run(const Request& request, const Now& now) {
  if (is_long(request)) {
    const Result<Later> later = begin(request, now);
    if (!later) return std::unexpected(later.error());
    return later->run(now);
  }
  const Handler* handler = request.verb == nullptr ? nullptr : find_handler(request.verb->name);
  if (handler == nullptr || handler->run == nullptr)
    return fail(ErrorKind::usage, "no such command");
  engine_.drain_events(now);  // so that the command sees what just happened
  return handler->run({engine_, service_, now}, request);
}

}  // namespace fw::engine
