// SPDX-License-Identifier: MIT
#include "replay/outcome.hpp"

#include <algorithm>

#include "engine/journal/words.hpp"

namespace fw::replay {

std::string outcome_word(unsigned reason) {
  if (reason >= FW_REASON_COUNT) return "not_ours";
  std::string word(engine::reason_word(static_cast<fw_reason>(reason)));
  std::ranges::replace(word, '-', '_');
  return word;
}

}  // namespace fw::replay
