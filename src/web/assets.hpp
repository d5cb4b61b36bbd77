// SPDX-License-Identifier: MIT
// The files of the page, which are in the program (assets.S).
#pragma once

#include <string_view>

namespace fw::web {

struct Asset {
  std::string_view path;  // "/app.js"
  std::string_view type;  // of its content
  std::string_view text;
};

// Null: there is none. "/" is the page.
[[nodiscard]] const Asset* find_asset(std::string_view path);

}  // namespace fw::web
