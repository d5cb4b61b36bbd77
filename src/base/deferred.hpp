// SPDX-License-Identifier: MIT
// What takes too long for the event loop, in two parts: work that touches nothing of the loop's,
// and what the loop does with what came of it.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "base/now.hpp"

namespace fw {

template <typename T>
struct Deferred {
  std::function<void()> work;           // may run in any thread, once
  std::function<T(const Now&)> finish;  // afterwards, in the loop

  // Both in a row, for whoever has no loop.
  [[nodiscard]] T run(const Now& now) const {
    work();
    return finish(now);
  }
};

// `work(state)` and `finish(state, now)` share a state, which may be large or not copyable.
template <typename T, typename State, typename Work, typename Finish>
[[nodiscard]] Deferred<T> defer(State state, Work work, Finish finish) {
  auto shared = std::make_shared<State>(std::move(state));
  return {.work = [shared, work = std::move(work)] { work(*shared); },
          .finish = [shared,
                     finish = std::move(finish)](const Now& now) { return finish(*shared, now); }};
}

}  // namespace fw
