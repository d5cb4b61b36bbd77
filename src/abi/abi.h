/* SPDX-License-Identifier: MIT */
/* What the daemon and every datapath agree on: the layout of tables, events and
 * counters. Who needs only a part includes that part. */
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
