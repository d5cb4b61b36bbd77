// SPDX-License-Identifier: MIT
// `floodwall`: the process around cli::run.
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "control/client.hpp"
#include "floodwall/daemon_down.hpp"
#include "floodwall/local.hpp"

namespace {

constexpr auto kPause = std::chrono::milliseconds(500);  // judgement: soon enough for the eye
constexpr const char* kSocket = "/run/floodwall/floodwall.sock";

// https://no-color.org: any value that is not empty.
bool wants_no_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return (no_colour != nullptr && *no_colour != '\0') ||
         (terminal != nullptr && std::string_view(terminal) == "dumb");
}

fw::Result<nlohmann::json> explained(fw::Result<nlohmann::json> reply) {
  if (reply) return reply;
  return std::unexpected(fw::with_state_of_kernel(std::move(reply).error()));
}

fw::cli::Style style_of_output() {
  if (::isatty(STDOUT_FILENO) == 0) return {};
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) size.ws_col = 0;
  return {.colour = !wants_no_colour(), .width = size.ws_col};
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::ios::sync_with_stdio(false);
    const char* socket = std::getenv("FLOODWALL_SOCKET");
    fw::cli::World world{
        .in = std::cin,
        .out = std::cout,
        .err = std::cerr,
        .style = style_of_output(),
        .in_is_terminal = ::isatty(STDIN_FILENO) != 0,
        .out_is_terminal = ::isatty(STDOUT_FILENO) != 0,
        .err_is_terminal = ::isatty(STDERR_FILENO) != 0,
        .socket = socket != nullptr && *socket != '\0' ? socket : kSocket,
        .call =
            [](const auto& path, std::string_view verb, const nlohmann::json& request) {
              return explained(fw::control::call(path, verb, request));
            },
        .call_list =
            [](const auto& path, const fw::control::Request& request) {
              return explained(fw::control::call_list(path, request));
            },
        .pause =
            [] {
              std::this_thread::sleep_for(kPause);
              return true;
            },
    };
    const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    return fw::cli::run(arguments, fw::local_commands(), world);
  } catch (const std::exception& error) {
    std::cerr << "floodwall: " << error.what() << "\n";
    return 1;
  }
}
