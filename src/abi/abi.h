/* SPDX-License-Identifier: MIT */
/* What the daemon and every datapath share: the layout of tables, events and
 * counters. Code that needs only a part includes only that header. */
#ifndef FW_ABI_ABI_H
#define FW_ABI_ABI_H

#include "configuration.h"
#include "layout.h"
#include "messages.h"
#include "packet.h"
#include "signature.h"
#include "tables.h"
#include "vocabulary.h"

#endif
