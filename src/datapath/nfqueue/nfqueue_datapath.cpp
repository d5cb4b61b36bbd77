// SPDX-License-Identifier: MIT
#include "datapath/nfqueue/nfqueue_datapath.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "datapath/address_key.hpp"
#include "datapath/nfqueue/worker.hpp"

namespace fw::datapath::nfqueue {

namespace {

constexpr unsigned kMaxQueues = Ledger::kSlots;
constexpr unsigned kMaxQueueNumber = 65'535;
constexpr unsigned kBlock = 16;  // queue numbers; more than kMaxQueues and one for egress
// Between two checks of rules and gaps; judgement.
constexpr std::uint64_t kCheckNs = 10'000'000'000ULL;

Result<void> discard(Result<bool> result) {
  if (!result) return std::unexpected(std::move(result.error()));
  return {};
}

class NfqueueDatapath final : public Datapath {
 public:
  NfqueueDatapath(const Options& options, QueueNumbers numbers, std::uint64_t seed)
      : tables_(options.sizes),
        policy_(std::make_unique<PolicyImage>()),
        lists_(std::make_unique<ListImage>()),
        ledger_(options.ledger),
        rules_(numbers) {
    policy_->config = config_ = tables_.first_config(seed);
  }
  ~NfqueueDatapath() override { stop_diverting(); }

  Result<void> start(const QueueNumbers& numbers);

  std::string kind() const override { return "nfqueue"; }
  Tables tables() override { return tables_.tables(); }
  std::uint64_t now_ns() const override;
  const fw_config& config() const override { return config_; }
  Result<void> publish(const fw_config& config, std::span<const fw_port_line> ports) override;
  Result<void> publish_lists(std::span<const std::byte> image) override;
  fw_reason access(const Address& source) override;
  Result<void> attach(const std::string& interface) override;
  void detach(const std::string& interface) override;
  std::vector<InterfaceStatus> interfaces() const override;
  void remove() override { stop_diverting(); }
  fw_counters counters() const override;
  std::uint64_t pending_drops(std::size_t entry_index) const override;
  void clear_pending(std::size_t entry_index) override;
  void drain_events(const std::function<void(const fw_event&)>& sink) override;
  void drain_samples(const std::function<void(const fw_sample&)>& sink) override;
  std::uint64_t memory_bytes() const override;

 private:
  Result<void> divert(const InterfaceNames& interfaces);
  void stop_diverting();
  std::uint64_t unseen() const;
  void check_rules_and_gaps(std::uint64_t now);

  UserTables tables_;
  fw_config config_{};  // a copy of policy_'s, whose address changes
  std::unique_ptr<PolicyImage> policy_;
  std::unique_ptr<ListImage> lists_;
  Ledger ledger_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Rules rules_;
  InterfaceNames interfaces_;  // diverted, or to be diverted when the rules can be made again

  std::uint64_t checked_ns_ = 0, unseen_before_ = 0;
  std::uint64_t unseen_without_daemon_ = 0;  // packets that passed while no daemon ran
  std::string rules_problem_, unseen_problem_;
};

Result<void> NfqueueDatapath::start(const QueueNumbers& numbers) {
  std::vector<Queue> queues;
  for (unsigned i = 0; i <= numbers.ingress; i++) {
    auto queue = Queue::open(static_cast<std::uint16_t>(numbers.first + i));
    if (!queue) return std::unexpected(queue.error());
    queues.push_back(std::move(*queue));
  }
  tables_.populate();  // takes the memory at the start, not in a flood
  unseen_without_daemon_ = ledger_.unseen_since_exit(matched_packets());
  ledger_.reset();
  const Worker::Shared shared{tables_, *policy_, ledger_};
  for (unsigned i = 0; i < queues.size(); i++)
    workers_.push_back(std::make_unique<Worker>(
        std::move(queues[i]), i < numbers.ingress ? Direction::ingress : Direction::egress, shared,
        i));
  checked_ns_ = now_ns();
  unseen_before_ = unseen_without_daemon_;
  if (unseen_without_daemon_ != 0)
    unseen_problem_ =
        fmt::format("{} packets passed unseen while no floodwalld ran", unseen_without_daemon_);
  return discard(remove_rules());  // the new rules may have other queue numbers
}

Result<void> NfqueueDatapath::divert(const InterfaceNames& interfaces) {
  auto done = rules_.divert(interfaces);
  ledger_.restart_rule_counters();
  return done;
}

std::uint64_t NfqueueDatapath::now_ns() const {
  return coarse_monotonic_ns();
}

Result<void> NfqueueDatapath::publish(const fw_config& config,
                                      std::span<const fw_port_line> ports) {
  Result<PolicyImage> image = policy_image(config, ports);
  if (!image) return std::unexpected(image.error());
  auto next = std::make_unique<PolicyImage>(std::move(*image));
  for (const auto& worker : workers_) worker->use_policy(*next);
  policy_ = std::move(next);  // no worker uses the old one any more
  config_ = policy_->config;
  return {};
}

Result<void> NfqueueDatapath::publish_lists(std::span<const std::byte> image) {
  Result<ListImage> lines = list_image(image);
  if (!lines) return std::unexpected(lines.error());
  auto next = std::make_unique<ListImage>(std::move(*lines));
  for (const auto& worker : workers_) worker->use_lists(*next);
  lists_ = std::move(next);
  return {};
}

fw_reason NfqueueDatapath::access(const Address& source) {
  fw_env env = tables_.tables().env(policy_->config);
  use_lists(env, *lists_);
  return fw_policy_access(&env, key_of(source), now_ns());
}

Result<void> NfqueueDatapath::attach(const std::string& interface) {
  if (::if_nametoindex(interface.c_str()) == 0)
    return fail(fmt::format("{}: there is no such interface", interface));
  if (interfaces_.contains(interface) && rules_problem_.empty()) return {};
  InterfaceNames wanted = interfaces_;
  wanted.insert(interface);
  if (auto done = divert(wanted); !done)
    return fail(done.error().kind, fmt::format("{}: {}", interface, done.error().message));
  interfaces_ = std::move(wanted);
  rules_problem_.clear();
  return {};
}

void NfqueueDatapath::detach(const std::string& interface) {
  if (interfaces_.erase(interface) == 0) return;
  if (auto done = divert(interfaces_); !done) rules_problem_ = done.error().message;
}

void NfqueueDatapath::stop_diverting() {
  if (std::exchange(interfaces_, {}).empty()) return;
  (void)remove_rules();
}

std::vector<InterfaceStatus> NfqueueDatapath::interfaces() const {
  std::vector<InterfaceStatus> out;
  out.reserve(interfaces_.size());
  const std::uint64_t total = unseen();
  for (const std::string& name : interfaces_) {
    const bool there = ::if_nametoindex(name.c_str()) != 0;
    const bool diverted = there && rules_problem_.empty();
    out.push_back({.name = name,
                   .attachment = diverted ? Attachment::queue : Attachment::none,
                   .egress = diverted,
                   .problem = !there                    ? "the interface is gone"
                              : !rules_problem_.empty() ? rules_problem_
                                                        : unseen_problem_,
                   .unseen_packets = total});
  }
  return out;
}

fw_counters NfqueueDatapath::counters() const {
  fw_counters sum{};
  for (const auto& worker : workers_) add(sum, worker->counters());
  return sum;
}

std::uint64_t NfqueueDatapath::unseen() const {
  std::uint64_t sum = unseen_without_daemon_;
  for (const auto& worker : workers_)
    if (worker->direction() == Direction::ingress) sum += worker->unseen();
  return sum;
}

std::uint64_t NfqueueDatapath::pending_drops(std::size_t entry_index) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->pending_drops(entry_index);
  return sum;
}

void NfqueueDatapath::clear_pending(std::size_t entry_index) {
  for (const auto& worker : workers_) worker->clear_pending(entry_index);
}

void NfqueueDatapath::drain_events(const std::function<void(const fw_event&)>& sink) {
  std::vector<fw_event> events;
  for (const auto& worker : workers_) worker->take_events(events);
  std::ranges::sort(events, {}, &fw_event::time_ns);
  for (const fw_event& event : events) sink(event);
  if (const std::uint64_t now = now_ns(); now - checked_ns_ >= kCheckNs) check_rules_and_gaps(now);
}

void NfqueueDatapath::drain_samples(const std::function<void(const fw_sample&)>& sink) {
  for (const auto& worker : workers_)
    for (const fw_sample& sample : worker->take_samples()) sink(sample);
}

// Makes our rules again if somebody removed them, and reports packets that passed unseen as a
// problem. Every kCheckNs only, since each change of a problem is a line in the log.
void NfqueueDatapath::check_rules_and_gaps(std::uint64_t now) {
  checked_ns_ = now;
  if (interfaces_.empty()) return;
  const std::uint64_t total = unseen();
  const std::uint64_t added = total - std::exchange(unseen_before_, total);
  unseen_problem_ =
      added == 0 ? ""
                 : fmt::format(
                       "{} packets passed unseen in the last 10 s ({} since the start): they "
                       "come faster than user space can judge them",
                       added, total);
  if (rules_.are_in_place(interfaces_)) return;
  auto done = divert(interfaces_);
  rules_problem_ = done ? "" : done.error().message;
  if (done && unseen_problem_.empty())
    unseen_problem_ = fmt::format(
        "somebody removed the rules that divert packets ({}): they are in place again; packets "
        "passed unseen meanwhile",
        rules_.backend());
}

std::uint64_t NfqueueDatapath::memory_bytes() const {
  std::uint64_t sum = tables_.memory_bytes() + sizeof(fw_config) +
                      policy_->ports.size() * sizeof(fw_port_line) + lists_->size() * FW_LINE_BYTES;
  for (const auto& worker : workers_) sum += worker->memory_bytes();
  return sum;
}

}  // namespace

Result<std::unique_ptr<Datapath>> open(const Options& options) {
  const unsigned ingress = std::clamp(std::thread::hardware_concurrency(), 1U, kMaxQueues);
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
    return fail_errno("read the random seed of the tables", errno);
  Result<void> done = fail("no NFQUEUE number is free");
  for (unsigned tried = 0; tried < options.blocks; tried++) {
    const unsigned first = options.first_queue + tried * kBlock;
    if (first + ingress > kMaxQueueNumber) break;
    const QueueNumbers numbers{.first = static_cast<std::uint16_t>(first), .ingress = ingress};
    try {
      auto datapath = std::make_unique<NfqueueDatapath>(options, numbers, seed);
      done = datapath->start(numbers);
      if (done) return datapath;
    } catch (const std::bad_alloc&) {
      return fail("no memory for the tables: make [tables] smaller in floodwall.toml");
    }
    if (done.error().kind != ErrorKind::refused) break;
  }
  return std::unexpected(done.error());
}

}  // namespace fw::datapath::nfqueue
