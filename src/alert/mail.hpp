// SPDX-License-Identifier: MIT
// A package as a mail (RFC 5322) for the standard input of sendmail. No text can begin a header of
// its own: header values are one line of ASCII, by RFC 2047 where they are not.
#pragma once

#include <string>
#include <vector>

#include "alert/message.hpp"
#include "config/config.hpp"

namespace fw::alert {

// Lines end with a line feed, as sendmail wants them.
[[nodiscard]] std::string mail_text(const Package& package, const config::Alert& alert,
                                    const std::string& host, WallTime when);
// "-i -f SENDER -- ADDRESS ..." after alert.sendmail.
[[nodiscard]] std::vector<std::string> mail_command(const config::Alert& alert);

}  // namespace fw::alert
