// SPDX-License-Identifier: MIT
#include "engine/detect/capacities.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/words.hpp"
#include "datapath/address_key.hpp"
#include "datapath/datapath.hpp"

namespace fw::engine {
namespace {

constexpr double kTicksPerSecond = 62'500'000;

std::uint32_t read(const fw_u32& shared) {
  return __atomic_load_n(&shared, __ATOMIC_RELAXED);
}

// A service that users may ask: fw_may_be_of_user() says the same.
bool is_service(const fw_budget& budget) {
  return budget.used != 0 && budget.port != 0 &&
         (budget.traffic_class == FW_CLASS_TCP_SYN || budget.traffic_class == FW_CLASS_UDP_NEW ||
          budget.traffic_class == FW_CLASS_OTHER);
}

VectorKey key_of_budget(const fw_budget& budget) {
  return {static_cast<fw_class>(budget.traffic_class), from_key(budget.dst), budget.port};
}

bool is_of(const SocketLoad& socket, const VectorKey& service) {
  return service.traffic_class != FW_CLASS_OTHER && socket.port == service.port &&
         socket.udp == (service.traffic_class == FW_CLASS_UDP_NEW) &&
         (socket.local == Address{} || socket.local == service.dst ||
          (socket.local == Address::v4(0) && service.dst.is_v4()));
}

}  // namespace

void Capacities::begin() {
  const datapath::Tables tables = datapath_->tables();
  passed_.assign(tables.capacities.size(), 0);
  refused_.assign(tables.budgets.size(), 0);
  for (std::size_t i = 0; i < passed_.size(); i++) passed_[i] = read(tables.capacities[i].passed);
  for (std::size_t i = 0; i < refused_.size(); i++) refused_[i] = read(tables.budgets[i].refused);
  services_.clear();
  host_suffering_.clear();
  load_is_new_ = false;
  load_ns_ = judged_ns_ = ticked_ns_ = 0;
}

void Capacities::move_to(datapath::Datapath& datapath) {
  datapath_ = &datapath;
  begin();
}

void Capacities::set_load(HostLoad load, const Now& now) {
  load_ = std::move(load);
  load_ns_ = now.mono_ns;
  load_is_new_ = true;
}

bool Capacities::wants_load(const Now& now) const {
  return std::ranges::any_of(services_, [&](const auto& each) {
    return each.second.loop.controls() || now.mono_ns - each.second.last_ns <= kMeasureNs;
  });
}

bool Capacities::suffers(const VectorKey& service) const {
  const auto found = services_.find(service);
  return found != services_.end() && found->second.suffers;
}

bool Capacities::is_tried(const VectorKey& service) const {
  const auto found = services_.find(service);
  if (found == services_.end()) return false;
  const Service& tried = found->second;
  return (tried.tried_ns != 0 && ticked_ns_ - tried.tried_ns <= kTriedNs) ||
         (service.traffic_class == FW_CLASS_UDP_NEW && !tried.suffers &&
          ticked_ns_ - tried.began_ns < kUnknownNs);
}

void Capacities::tick(const Now& now) {
  const std::uint64_t passed_ns =
      ticked_ns_ != 0 && ticked_ns_ < now.mono_ns ? now.mono_ns - ticked_ns_ : 0;
  ticked_ns_ = now.mono_ns;
  const double seconds = static_cast<double>(passed_ns) / kSecond;
  count(now, seconds);
  judge(now);
  if (seconds > 0) control(now, seconds);
  write(now);
  std::erase_if(services_, [&](const auto& each) {
    return !each.second.loop.controls() && now.mono_ns - each.second.last_ns > kForgetNs;
  });
}

// What was above the budgets since the last tick.
void Capacities::count(const Now& now, double seconds) {
  const datapath::Tables tables = datapath_->tables();
  for (auto& [key, service] : services_) service.passed = service.refused = 0;
  for (std::size_t i = 0; i < std::min(passed_.size(), refused_.size()); i++) {
    const fw_budget& budget = tables.budgets[i];
    const std::uint32_t passed = read(tables.capacities[i].passed);
    const std::uint32_t refused = read(budget.refused);
    const std::uint32_t more_passed = passed - std::exchange(passed_[i], passed);
    const std::uint32_t more_refused = refused - std::exchange(refused_[i], refused);
    if ((more_passed == 0 && more_refused == 0) || !is_service(budget)) continue;
    Service& service = services_[key_of_budget(budget)];
    if (service.began_ns == 0) service.began_ns = now.mono_ns;
    service.passed += more_passed;
    service.passed_measured += more_passed;
    service.refused += more_refused;
    service.last_ns = now.mono_ns;
  }
  if (seconds <= 0) return;
  for (auto& [key, service] : services_) {
    service.passed_pps = static_cast<double>(service.passed) / seconds;
    service.refused_pps = static_cast<double>(service.refused) / seconds;
  }
}

// Which services suffer.
void Capacities::judge(const Now& now) {
  const bool is_new = std::exchange(load_is_new_, false);
  const bool is_old = load_ns_ == 0 || now.mono_ns - load_ns_ > kLoadIsOldNs;
  if (is_old) load_ = {};
  host_suffering_ = suffering_of(load_);
  const double seconds = judged_ns_ != 0 && judged_ns_ < now.mono_ns
                             ? static_cast<double>(now.mono_ns - judged_ns_) / kSecond
                             : 0;
  if (is_new) judged_ns_ = now.mono_ns;
  double asked_pps = 0;  // of programs with UDP sockets
  for (const auto& [key, service] : services_)
    if (key.traffic_class == FW_CLASS_UDP_NEW && seconds > 0)
      asked_pps += static_cast<double>(service.passed_measured) / seconds;
  const bool programs_keep_up = host_suffering_.empty() && load_.softirq_share < kSoftirqIsMuch &&
                                load_.udp_read_pps >= kShareRead * asked_pps;
  for (auto& [key, service] : services_) {
    service.suffers = service.only_waits = false;
    if (is_old) service.queue_is_long = service.keeps_up = false;
    if (!is_new) continue;
    const auto passed = static_cast<double>(std::exchange(service.passed_measured, 0));
    service.passed_measured_pps = seconds > 0 ? passed / seconds : service.passed_pps;
    double fill = 0;
    for (const SocketLoad& socket : load_.sockets) {
      if (!is_of(socket, key)) continue;
      fill = std::max(fill, socket.queue_fill);
      if (socket.lost_pps < kSocketLosesPps) continue;
      service.suffers = true;
      service.why = fmt::format("its socket drops {:.0f} packets/s", socket.lost_pps);
    }
    service.queue_is_long = fill >= (service.queue_is_long ? kQueueIsShort : kQueueIsLong);
    service.long_queue = fill >= kQueueIsLong ? service.long_queue + 1 : 0;
    service.keeps_up = programs_keep_up && key.traffic_class == FW_CLASS_UDP_NEW &&
                       !service.suffers && fill < kQueueIsShort;
    if (service.suffers) continue;
    if (service.long_queue >= kLongQueueTimes && !service.loop.restricted()) {
      service.long_queue = 0;  // what it is given now needs a while to show
      service.suffers = service.only_waits = true;
      service.why = "its queue stays half full";
    } else if (!host_suffering_.empty()) {
      service.suffers = true;
      service.why = host_suffering_;
    }
  }
}

void Capacities::control(const Now& now, double seconds) {
  const double configured_pps = settings_.config.detect.capacity.value_or(0);
  if (configured_pps <= 0) return;
  for (auto& [key, service] : services_) {
    // The losses of a port's sockets are divided among its addresses.
    double lost_pps = 0, passed_pps = 0;
    for (const SocketLoad& socket : load_.sockets)
      if (service.suffers && is_of(socket, key)) lost_pps += socket.lost_pps;
    for (const auto& [other, each] : services_)
      if (other.port == key.port && other.traffic_class == key.traffic_class)
        passed_pps += each.passed_measured_pps;
    if (passed_pps > 0) lost_pps *= service.passed_measured_pps / passed_pps;
    const double budget_pps =
        settings_.budgets.at(static_cast<std::size_t>(key.traffic_class)).limit.value_or(0);
    service.loop.step(
        {.offered_pps = service.passed_pps + service.refused_pps,
         .passed_pps = service.suffers ? service.passed_measured_pps : service.passed_pps,
         .lost_pps = lost_pps,
         .suffers = service.suffers,
         .only_waits = service.only_waits,
         .queue_is_long = service.queue_is_long,
         .keeps_up = service.keeps_up},
        {.least_pps = std::max(1.0, kLeastShare * budget_pps), .configured_pps = configured_pps},
        seconds);
    if (service.loop.rises()) service.tried_ns = now.mono_ns;
    log_change(key, service, now);
  }
}

void Capacities::log_change(const VectorKey& key, Service& service, const Now& now) {
  const bool was = service.since_ns != 0;
  if (service.loop.restricted() == was) return;
  const auto rounded = [](double pps) { return static_cast<std::uint64_t>(pps); };
  journal_.write(was ? EventType::recovered : EventType::suffering, now, [&] {
    EventDetails details{"", {Field::text("service", text_of(key))}};
    if (was) {
      details.fields.push_back(
          Field::text("duration", duration_field(now.mono_ns - service.since_ns)));
      return details;
    }
    details.fields.push_back(Field::text("why", service.why));
    details.fields.push_back(
        Field::count("offered_pps", rounded(service.passed_pps + service.refused_pps)));
    details.fields.push_back(Field::count("bears_pps", rounded(service.loop.pps())));
    return details;
  });
  service.since_ns = was ? 0 : now.mono_ns;
  if (was) service.why.clear();
}

void Capacities::write(const Now& now) {
  const datapath::Tables tables = datapath_->tables();
  bool any = false;
  for (std::size_t i = 0; i < std::min(tables.budgets.size(), tables.capacities.size()); i++) {
    if (!is_service(tables.budgets[i])) continue;
    fw_capacity& capacity = tables.capacities[i];
    const auto found = services_.find(key_of_budget(tables.budgets[i]));
    const bool controlled = found != services_.end() && found->second.loop.controls();
    any = any || (controlled && found->second.loop.restricted());
    if (!controlled && read(capacity.cost) == 0) continue;
    const double cost = controlled ? kTicksPerSecond / found->second.loop.pps() : 0;
    const std::uint64_t until_ns = controlled ? now.mono_ns + kHoldNs : now.mono_ns;
    std::atomic_ref(capacity.until_ms).store(static_cast<fw_u32>(until_ns >> 20));
    std::atomic_ref(capacity.cost)
        .store(static_cast<fw_u32>(std::clamp(cost, controlled ? 1.0 : 0.0, 4e9)));
  }
  if (!any || tables.shared.empty()) return;
  std::atomic_ref(tables.shared->restricted_until_window)
      .store(static_cast<fw_u32>((now.mono_ns + kHoldNs) >> FW_WINDOW_SHIFT) + 1);
}

std::vector<std::string> Capacities::problems() const {
  std::vector<std::string> out;
  if (!host_suffering_.empty()) out.push_back("this host suffers: " + host_suffering_);
  for (const auto& [key, service] : services_) {
    if (!service.loop.restricted()) continue;
    // None come where every SYN is answered with a cookie first.
    const double come = service.passed_pps + service.refused_pps;
    out.push_back(
        fmt::format("{} suffers ({}): above its budget it is given at most {:.0f} packets/s{}",
                    text_of(key), service.why, service.loop.pps(),
                    come > service.loop.pps() ? fmt::format(" of {:.0f}", come) : ""));
  }
  return out;
}

}  // namespace fw::engine
