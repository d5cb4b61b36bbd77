// SPDX-License-Identifier: MIT
// Whether a request comes from the page itself. Against DNS rebinding: a browser that was led here
// by a foreign name says that name as its Host. Against forged requests: a foreign page says its
// own origin. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace fw::web {

// An address, localhost or one of `names`, with or without a port. An address is no name that
// somebody else could point here.
[[nodiscard]] bool is_own_host(std::string_view host, std::span<const std::string> names);
// "http://HOST" or "https://HOST" (a proxy before this server may have the certificate).
[[nodiscard]] bool is_own_origin(std::string_view origin, std::string_view host);
// The value of a cookie in the header Cookie; empty: it is not there.
[[nodiscard]] std::string_view cookie(std::string_view header, std::string_view name);

}  // namespace fw::web
