// SPDX-License-Identifier: MIT
// Words that people bring along from other firewalls, and what stands for them here.
#pragma once

#include <string_view>

namespace fw::cli {

// "floodwall ban ADDRESS"; empty if the word is no habit that is known.
[[nodiscard]] std::string_view habit(std::string_view word);

}  // namespace fw::cli
