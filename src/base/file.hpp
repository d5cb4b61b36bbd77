// SPDX-License-Identifier: MIT
// Whole files, read and replaced.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace fw {

// The whole file. Fails on anything but a regular file and above `limit_bytes`.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path,
                                            std::uint64_t limit_bytes = std::uint64_t{1} << 30);

// Replaces the file in one step (temporary file beside it, fsync, rename): a reader sees the old or
// the new text whole, and after an error the old file is untouched. Keeps the mode and owner of a
// file that was there; else `mode`.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, std::string_view text,
                                      unsigned mode = 0644);

}  // namespace fw
