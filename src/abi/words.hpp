// SPDX-License-Identifier: MIT
// The words of vocabulary.h, by number: what logs, the API and the configuration call them.
#pragma once

#include <array>
#include <string_view>

#include "abi/vocabulary.h"

namespace fw {

inline constexpr std::array<std::string_view, FW_REASON_COUNT> kReasonWords{
#define FW_REASON_WORD(name, word, ...) word,
    FW_REASONS(FW_REASON_WORD)
#undef FW_REASON_WORD
};
inline constexpr std::array<std::string_view, FW_CLASS_COUNT> kClassWords{
#define FW_CLASS_WORD(name, word, ...) word,
    FW_CLASSES(FW_CLASS_WORD)
#undef FW_CLASS_WORD
};
inline constexpr std::array<std::string_view, FW_METRIC_COUNT> kMetricWords{
#define FW_METRIC_WORD(name, word, ...) word,
    FW_METRICS(FW_METRIC_WORD)
#undef FW_METRIC_WORD
};

}  // namespace fw
