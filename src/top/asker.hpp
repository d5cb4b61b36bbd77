// SPDX-License-Identifier: MIT
// Asks the daemon beside the view, so that a daemon that hangs does not stop the keys. One thread,
// one question at a time; answers wait until they are taken.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <variant>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "top/frame.hpp"
#include "top/view.hpp"

namespace fw::top {

using Ask =
    std::function<Result<nlohmann::json>(std::string_view verb, const nlohmann::json& request)>;

// The three replies that one frame is made from, by their verbs; the first error ends it.
struct Replies {
  nlohmann::json status, sources, signatures;
};
[[nodiscard]] Result<Replies> ask_frame(const Ask& ask, bool by_dropped);
// The request of the API that an order is.
[[nodiscard]] nlohmann::json request_of(const Order& order);

class Asker {
 public:
  // What came of a question: a frame, or the words about an order.
  using Answer = std::variant<Result<Frame>, Result<std::string>>;

  // Fails if the kernel gives no event descriptor. `ask` is called on another thread.
  [[nodiscard]] static Result<std::unique_ptr<Asker>> open(Ask ask);
  // A question that is not answered yet is not waited for longer than the blink of an eye; its
  // thread ends with it or with the process.
  ~Asker();
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  // Does nothing while a frame is awaited already.
  void ask_for_frame(bool by_dropped);
  void ask_for(const Order& order);
  // Readable when answers wait.
  [[nodiscard]] int descriptor() const;
  [[nodiscard]] std::deque<Answer> take();

 private:
  struct State;
  explicit Asker(std::shared_ptr<State> state);
  static void work(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace fw::top
