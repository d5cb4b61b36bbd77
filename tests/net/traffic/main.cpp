// SPDX-License-Identifier: MIT
// Real traffic on the kernel's own sockets, more than Python can make: servers, clients that count
// what succeeds, and floods of given frames. See traffic.py.
#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "words.hpp"

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + std::min(count, 2), arguments + count);
  const std::string part = count > 1 ? arguments[1] : "";
  const struct {
    std::string_view name;
    void (*run)(const traffic::Words&);
  } parts[] = {{"serve", traffic::serve}, {"service", traffic::service}, {"web", traffic::web},
               {"ask", traffic::ask},     {"bulk", traffic::bulk},       {"flood", traffic::flood}};
  (void)std::signal(SIGPIPE, SIG_IGN);
  for (const auto& known : parts)
    if (known.name == part) {
      known.run(traffic::Words(words));
      return 0;
    }
  traffic::die("usage: traffic serve|service|web|ask|bulk|flood KEY=VALUE...");
}
