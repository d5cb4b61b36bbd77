// SPDX-License-Identifier: MIT
// Text from outside (comments, reasons, file names, list lines) made safe for a terminal and for a
// log of one line per event. The one rule for it: what a terminal would obey is shown, not sent.
#pragma once

#include <string>
#include <string_view>

namespace fw {

// `text` with each line feed as "\n", and each byte of a control character, a bidirectional or
// other invisible format character, or malformed UTF-8 as "\xNN". A character of `escaped` gets a
// backslash before it. Cleaning a cleaned text changes nothing as long as `escaped` is empty.
[[nodiscard]] std::string printable(std::string_view text, std::string_view escaped = {});

// The same, but line feeds stay: for messages of several lines.
[[nodiscard]] std::string printable_lines(std::string_view text);

// The first 64 bytes, printable, with "..." if that is not all: for quoting bad input in a message.
[[nodiscard]] std::string printable_excerpt(std::string_view text);

}  // namespace fw
