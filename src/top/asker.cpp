// SPDX-License-Identifier: MIT
#include "top/asker.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

#include "cli/fields.hpp"

namespace fw::top {

using nlohmann::json;

namespace {

constexpr auto kBlink = std::chrono::milliseconds(200);

std::string words_of(const json& reply) {
  const json& results = cli::list(reply, "results");
  if (results.empty()) return "done";
  const json& result = results.front();
  return cli::text(result, "address") + ": " + cli::text(result, "message");
}

}  // namespace

Result<Replies> ask_frame(const Ask& ask, bool by_dropped) {
  Replies replies;
  auto status = ask("status", json::object());
  if (!status) return std::unexpected(std::move(status).error());
  auto sources = ask("list", {{"what", {"sources"}}, {"by", by_dropped ? "dropped" : "packets"}});
  if (!sources) return std::unexpected(std::move(sources).error());
  auto signatures = ask("list", {{"what", {"signatures"}}});
  if (!signatures) return std::unexpected(std::move(signatures).error());
  return Replies{.status = std::move(*status),
                 .sources = std::move(*sources),
                 .signatures = std::move(*signatures)};
}

json request_of(const Order& order) {
  json request = {{"address", {order.address}}};
  if (!order.duration.empty()) request["for"] = order.duration;
  return request;
}

struct Asker::State {
  Ask ask;
  UniqueFd event;
  std::mutex mutex;
  std::condition_variable changed;
  // Below the mutex.
  std::optional<bool> frame;  // is wanted, and by what
  std::optional<Order> order;
  bool asking = false, ending = false, ended = false;
  std::deque<Answer> answers;
};

Result<std::unique_ptr<Asker>> Asker::open(Ask ask) {
  auto state = std::make_shared<State>();
  state->ask = std::move(ask);
  state->event = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state->event.valid()) return fail_errno("eventfd", errno);
  return std::unique_ptr<Asker>(new Asker(std::move(state)));
}

Asker::Asker(std::shared_ptr<State> state) : state_(std::move(state)) {
  // Signals are for the thread that has the terminal.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([shared = state_] { work(shared); }).detach();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Asker::~Asker() {
  std::unique_lock lock(state_->mutex);
  state_->ending = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, kBlink, [&] { return state_->ended; });
}

void Asker::work(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    state->changed.wait(lock, [&] { return state->ending || state->frame || state->order; });
    if (state->ending) break;
    state->asking = true;
    const std::optional<Order> order = std::exchange(state->order, std::nullopt);
    const bool by_dropped = order ? false : *std::exchange(state->frame, std::nullopt);
    lock.unlock();
    Answer answer;
    if (order) {
      const auto reply = state->ask(order->verb, request_of(*order));
      answer = reply ? Result<std::string>(words_of(*reply)) : std::unexpected(reply.error());
    } else {
      const auto replies = ask_frame(state->ask, by_dropped);
      answer =
          replies
              ? Result<Frame>(read_frame(replies->status, replies->sources, replies->signatures))
              : std::unexpected(replies.error());
    }
    lock.lock();
    state->asking = false;
    state->answers.push_back(std::move(answer));
    const std::uint64_t one = 1;
    // It fails only if 2^64 - 2 answers wait.
    if (::write(state->event.get(), &one, sizeof(one)) != sizeof(one)) continue;
  }
  state->ended = true;
  state->changed.notify_all();
}

void Asker::ask_for_frame(bool by_dropped) {
  const std::lock_guard lock(state_->mutex);
  if (state_->asking) return;
  state_->frame = by_dropped;
  state_->changed.notify_all();
}

void Asker::ask_for(const Order& order) {
  const std::lock_guard lock(state_->mutex);
  state_->order = order;
  state_->changed.notify_all();
}

int Asker::descriptor() const {
  return state_->event.get();
}

std::deque<Asker::Answer> Asker::take() {
  std::uint64_t count = 0;
  if (::read(state_->event.get(), &count, sizeof(count)) != sizeof(count)) count = 0;
  const std::lock_guard lock(state_->mutex);
  return std::exchange(state_->answers, {});
}

}  // namespace fw::top
