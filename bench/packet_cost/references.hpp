// SPDX-License-Identifier: MIT
// The programs that Floodwall is compared with in the harness: a textbook program (LPM_TRIE list,
// LRU_HASH of token buckets) and xdp-filter of xdp-tools, with the same deny list in their maps.
#pragma once

#include <bpf/libbpf.h>

#include <memory>
#include <optional>
#include <span>

#include "base/address.hpp"
#include "textbook.skel.h"

namespace fw::bench {

class References {
 public:
  // Without the package xdp-tools there is no xdp-filter.
  [[nodiscard]] static Result<References> open();

  // Adds entries: IPv4 addresses, and IPv6 /64s (not to xdp-filter, which has no prefixes).
  [[nodiscard]] Result<void> deny(std::span<const Address> addresses);

  [[nodiscard]] int textbook() const { return bpf_program__fd(textbook_->progs.textbook); }
  [[nodiscard]] std::optional<int> xdp_filter() const;

 private:
  struct Close {
    void operator()(::textbook* skeleton) const { ::textbook::destroy(skeleton); }
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };

  std::unique_ptr<::textbook, Close> textbook_;
  std::unique_ptr<bpf_object, Close> filter_;
};

}  // namespace fw::bench
