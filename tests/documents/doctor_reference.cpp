// SPDX-License-Identifier: MIT
// doctor_reference [--check] FILE: writes the table of docs/doctor.md, between "<!-- checks -->"
// and
// "<!-- end of checks -->", from src/doctor/checks.cpp; with --check only says whether it is stale.
// Run by tools/doctor.
#include <fmt/format.h>

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "doctor/checks.hpp"

namespace fw::doctor {
namespace {

constexpr std::uint64_t kMaxFileBytes = 1ULL << 20;
constexpr std::string_view kBegin = "<!-- checks -->\n", kEnd = "<!-- end of checks -->\n";

std::string table() {
  std::string out = "| check | looks at | finds |\n|---|---|---|\n";
  for (const Check& check : checks())
    out += fmt::format("| `{}` | {} | {} |\n", check.name, check.looks_at, check.finds);
  return out;
}

// Whether it is as it should be (now).
Result<bool> run(const std::filesystem::path& file, bool only_check) {
  const auto document = read_file(file, kMaxFileBytes);
  if (!document) return std::unexpected(document.error());
  const std::size_t begin = document->find(kBegin), end = document->find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin)
    return fail("a table of checks between its two marks is missing");
  const std::string wanted =
      document->substr(0, begin + kBegin.size()) + "\n" + table() + "\n" + document->substr(end);
  if (only_check || wanted == *document) return wanted == *document;
  if (auto written = write_file(file, wanted); !written) return std::unexpected(written.error());
  return true;
}

}  // namespace
}  // namespace fw::doctor

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.empty() || arguments.size() > 2 ||
        (arguments.size() == 2 && arguments[0] != "--check")) {
      fmt::print(stderr, "usage: doctor_reference [--check] FILE\n");
      return 2;
    }
    const auto current = fw::doctor::run(arguments.back(), arguments.size() == 2);
    if (!current)
      fmt::print("{}: {}\n", arguments.back(), current.error().message);
    else
      fmt::print("{}: {}\n", arguments.back(),
                 *current ? "as the table of checks says" : "stale; run tools/doctor");
    return current && *current ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "doctor_reference: {}\n", error.what());
    return 1;
  }
}
