// SPDX-License-Identifier: MIT
#include "datapath/nfqueue/worker.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <array>
#include <csignal>
#include <utility>

#include "base/clock.hpp"

namespace fw::datapath::nfqueue {

namespace {

constexpr std::size_t kMaxEvents = 4096;  // pending; further ones are lost; judgement

}  // namespace

Worker::Worker(Queue queue, Direction direction, const Shared& shared, unsigned slot)
    : direction_(direction),
      ledger_(shared.ledger),
      slot_(slot),
      stop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      queue_(std::move(queue)),
      verdicts_(queue_.number()) {
  reader_.populate();
  env_ = shared.tables.tables().env(shared.policy.config);
  datapath::use_policy(env_, shared.policy);
  reader_.fill(env_);
  env_.self = this;
  env_.event = [](void* self, const fw_event* event) {
    static_cast<Worker*>(self)->queue_event(*event);
  };
  env_.sample = [](void* self, const fw_sample* sample) {
    static_cast<Worker*>(self)->reader_.queue_sample(*sample);
  };
  // The new thread inherits a full mask: signals go to the main thread.
  sigset_t all{};
  sigset_t before{};
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "fw-queue");
}

Worker::~Worker() {
  (void)::eventfd_write(stop_fd_.get(), 1);
  thread_.join();
}

void Worker::work() {
  std::array<pollfd, 2> waits{pollfd{.fd = queue_.fd(), .events = POLLIN, .revents = 0},
                              pollfd{.fd = stop_fd_.get(), .events = POLLIN, .revents = 0}};
  do {
    while (judge_batch()) {
    }
    (void)::poll(waits.data(), waits.size(), -1);
  } while (waits[1].revents == 0);
  while (judge_batch()) {
  }
}

bool Worker::judge_batch() {
  while (waiting_.load(std::memory_order_relaxed) > 0) std::this_thread::yield();
  const std::lock_guard lock(mutex_);
  const auto packets = queue_.receive();
  if (packets.empty()) return false;
  const std::uint64_t now_ns = coarse_monotonic_ns();
  verdicts_.clear();
  for (const QueuedPacket& packet : packets) {
    bool drop = false;
    if (direction_ == Direction::egress) {
      fw_policy_record_egress(&env_, &packet.frame, now_ns);
    } else {
      fw_packet parsed{};
      fw_decision decision{};
      fw_policy_decide(&env_, &packet.frame, now_ns, &parsed, &decision);
      drop = decision.verdict == FW_DROP;
    }
    verdicts_.add(packet.id, drop);
  }
  if (direction_ == Direction::ingress) ledger_.record(slot_, queue_.received());
  queue_.send(verdicts_);
  return true;
}

void Worker::queue_event(const fw_event& event) {
  if (events_.size() >= kMaxEvents) {
    reader_.counters().events_lost++;
    return;
  }
  events_.push_back(event);
}

std::unique_lock<std::mutex> Worker::interrupt() const {
  waiting_.fetch_add(1, std::memory_order_relaxed);
  std::unique_lock lock(mutex_);
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  return lock;
}

void Worker::use_policy(const PolicyImage& image) {
  const auto lock = interrupt();
  datapath::use_policy(env_, image);
}

void Worker::use_lists(const ListImage& image) {
  const auto lock = interrupt();
  datapath::use_lists(env_, image);
}

fw_counters Worker::counters() const {
  const auto lock = interrupt();
  return reader_.counters();
}

std::uint64_t Worker::unseen() const {
  const auto lock = interrupt();
  return queue_.unseen();
}

// Without the mutex, since this is called once per ban. The policy reads and writes these words
// without a lock as well (FW_READ, FW_WRITE).
std::uint64_t Worker::pending_drops(std::size_t entry_index) const {
  return fw_policy_pending(reader_.entry_pending_table().data(), static_cast<fw_u32>(entry_index));
}

void Worker::clear_pending(std::size_t entry_index) {
  fw_policy_forget_pending(reader_.entry_pending_table().data(), static_cast<fw_u32>(entry_index));
}

void Worker::take_events(std::vector<fw_event>& out) {
  const auto lock = interrupt();
  out.insert(out.end(), events_.begin(), events_.end());
  events_.clear();
}

std::vector<fw_sample> Worker::take_samples() {
  const auto lock = interrupt();
  return reader_.take_samples();
}

}  // namespace fw::datapath::nfqueue
