// SPDX-License-Identifier: MIT
// A configuration that is to be valid.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "config/config.hpp"

namespace fw::test {

inline config::Config good(std::string_view toml) {
  const auto config = config::parse(toml, "f");
  EXPECT_TRUE(config) << toml << "\n" << config.error().message;
  return config.value_or(config::Config{});
}

}  // namespace fw::test
