// SPDX-License-Identifier: MIT
// From one HTTP request, read whole, to its answer: routes, permission, JSON, errors. It knows no
// sockets, so that tests and fuzzers can call it. No state, no threads.
#pragma once

#include <sys/types.h>

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "control/request.hpp"

namespace fw::control {

// The process at the other end, as the kernel knew it when it connected.
struct Peer {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups = {};  // the supplementary ones
  pid_t pid = 0;
  std::string web{};       // the address of who asks by the web page; empty: by the Unix socket
  bool allowed = false;    // root or a member of one of the API's groups; others may do nothing
  bool read_only = false;  // of the group for reading alone: may change nothing
};

// Carries out the request's verb.
using Handler = std::function<Result<nlohmann::json>(const Request& request)>;

// The same for verbs that take longer than a caller may delay others: the reply is called once, at
// once or later.
using Reply = std::function<void(Result<nlohmann::json>)>;
using Service = std::function<void(const Request& request, const Peer& peer, Reply reply)>;

struct Ask {
  std::string_view method, target, body;  // "POST", "/v1/ban", "{...}"
};

struct Answer {
  unsigned status = 200;
  std::string body;        // JSON and a newline
  std::string_view allow;  // with status 405: the value of the header Allow
};

// The routes: POST /v1/VERB with JSON; POST /v1/VERB?lines&option=value with an argument on each
// line; GET /v1/VERB?option=value for verbs that only read; GET /v1 for the list of verbs. An
// exception of the handler becomes an error of kind failed.
[[nodiscard]] Answer dispatch(const Ask& ask, const Peer& peer, const Handler& handler);

// Its two halves, of which a server can do large ones in another thread: the request, or the answer
// to one that cannot be carried out; and the answer from the handler's result.
[[nodiscard]] std::variant<Request, Answer> read_ask(const Ask& ask, const Peer& peer);
[[nodiscard]] Answer answer_of(const Result<nlohmann::json>& reply);

// Whether the peer may have the request carried out. Who carries it out asks this first: refused
// are orders of who may only read.
[[nodiscard]] Result<void> permit(const Request& request, const Peer& peer);

// {"error": {"kind", "exit", "message"}} with the HTTP status of its kind.
[[nodiscard]] Answer error_answer(const Error& error);

// The word of an error on the wire ("not_permitted"), and back; an unknown word is `failed`.
[[nodiscard]] std::string_view kind_word(ErrorKind kind);
[[nodiscard]] ErrorKind kind_of_word(std::string_view word);

}  // namespace fw::control
