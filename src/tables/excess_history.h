/* SPDX-License-Identifier: MIT */
/* When a source was over a limit. The low half of fw_source.excess is the first
 * window of the present excess, the high half the last one, 15 bits each (they wrap
 * around after 9 hours). 0: never over a limit. */
#ifndef FW_TABLES_EXCESS_HISTORY_H
#define FW_TABLES_EXCESS_HISTORY_H

#include "abi/layout.h"

enum {
  FW_EXCESS_WINDOW = 0x7fff,
  FW_EXCESS_LAST_SHIFT = 16,
  FW_QUIET_WINDOWS = 10, /* an excess after so long is reported again; judgement */
};

/* Records that a source is over a limit. Returns for how many windows the excess has lasted without
 * a pause; sets *is_news if there was none in the last FW_QUIET_WINDOWS. */
FW_INLINE fw_u32 fw_excess_record(struct fw_source* source, fw_u32 window, fw_u32* is_news) {
  fw_u32 now = window & FW_EXCESS_WINDOW;
  fw_u32 since = source->excess & FW_EXCESS_WINDOW, last = source->excess >> FW_EXCESS_LAST_SHIFT;
  fw_u32 quiet = (now - last) & FW_EXCESS_WINDOW, excess;

  if (!source->excess) {
    *is_news = 1;
    since = now;
  } else if (quiet > 1) {
    *is_news = quiet > FW_QUIET_WINDOWS;
    since = now;
  }
  excess = now << FW_EXCESS_LAST_SHIFT | since;
  if (source->excess != excess) source->excess = excess;
  return (now - since) & FW_EXCESS_WINDOW;
}

#endif
