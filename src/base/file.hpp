// SPDX-License-Identifier: MIT
// Reads and replaces whole files.
//
// Thread rule: free functions without state.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace fw {

// The content of the file. Fails on anything but a regular file, and above `limit_bytes`.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path,
                                            std::uint64_t limit_bytes = std::uint64_t{1} << 30);

// False if the calling thread lacks the right to read the file or folder; true also if there is
// none.
[[nodiscard]] bool may_read(const std::filesystem::path& path);

// Replaces the file atomically (temporary file beside it, fsync, rename): a reader sees either the
// old or the new text, and after an error the old file is unchanged. Keeps mode and owner of an
// existing file; a new one has `mode`. A symbolic link stays, the file that it points to is
// replaced.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, std::string_view text,
                                      unsigned mode = 0644);

}  // namespace fw
