// SPDX-License-Identifier: MIT
// Any bytes as an HTTP request of the API: the first line is method and target, the rest the body.
// Whatever comes, the answer is JSON and its status one of ours, and the handler only sees what the
// verb allows.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "control/dispatch.hpp"
#include "fuzz/check.hpp"

using fw::test::check;
using namespace fw::control;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::string_view method = line.substr(0, line.find(' '));
  const std::string_view target = line.substr(std::min(line.size(), method.size() + 1));
  const std::string_view body = text.substr(std::min(size, line.size() + 1));
  bool called = false;
  const Handler handler = [&](const Request& request) -> fw::Result<nlohmann::json> {
    called = true;
    check(check_request(request).has_value());
    return nlohmann::json::object();
  };
  const Ask ask{.method = method, .target = target, .body = body};
  const Answer answer = dispatch(ask, {.allowed = true}, handler);
  const nlohmann::json reply = nlohmann::json::parse(answer.body, nullptr, false);
  check(reply.is_object() && answer.body.ends_with('\n'));
  check(answer.status == 200 || (answer.status >= 400 && answer.status < 500));
  check((answer.status == 200) != reply.contains("error"));
  check(!called || answer.status == 200);

  called = false;
  check(dispatch(ask, {}, handler).status != 200 && !called);  // who may not, learns nothing
  return 0;
}
