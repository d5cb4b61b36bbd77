// SPDX-License-Identifier: MIT
#include "daemon/datapath_switch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "datapath/xdp/bpffs.hpp"

namespace fw::daemon {
namespace {

datapath::TableSizes sizes_of(const config::Tables& tables) {
  return {.sources = tables.sources, .flows = tables.flows, .bans = tables.bans};
}

// While no packet is judged, only the engine's entries matter.
datapath::TableSizes sizes_without_packets(std::uint32_t bans) {
  return {.sources = FW_SOURCE_SLOTS, .flows = FW_FLOW_SLOTS, .bans = bans};
}

// As datapath::xdp::open(), but leaves nothing behind after an error.
Result<std::unique_ptr<datapath::Datapath>> load_xdp(const datapath::xdp::Options& options,
                                                     bool were_there) {
  auto kernel = datapath::xdp::open(options);
  if (!kernel && !were_there) (void)datapath::xdp::remove_pinned(options.pins);
  return kernel;
}

// Nobody asked for queues, so it is a problem until XDP is back or somebody does.
std::string what_is_lost(std::string_view why) {
  return fmt::format(
      "no XDP here ({}): packets are judged in user space instead (nfqueue). Lost by that: speed "
      "(the kernel has spent its own work on each packet), filtering while floodwalld is stopped "
      "or overrun, and what is not IP. XDP is tried again, and takes over when it can; if it never "
      "can here, write datapath = \"nfqueue\"",
      why);
}

}  // namespace

// XDP programs that a former daemon left go on judging until the queues are there.
Result<std::unique_ptr<datapath::Datapath>> DatapathSwitch::load_queue() const {
  auto queue = datapath::nfqueue::open(queue_options_);
  if (!queue) return queue;
  if (auto removed = datapath::xdp::remove_pinned(options_.pins); !removed)
    return std::unexpected(std::move(removed.error()));
  return queue;
}

Result<std::unique_ptr<datapath::Datapath>> DatapathSwitch::load(bool were_there) {
  problem_.clear();
  if (kind_ == config::DatapathKind::nfqueue) return load_queue();
  auto kernel = load_xdp(options_, were_there);
  // Without the right to use BPF the queues would be refused as well. That is no lack of the
  // kernel, so it must not silently become a weaker protection.
  if (kernel || kind_ == config::DatapathKind::xdp ||
      kernel.error().kind == ErrorKind::not_permitted)
    return kernel;
  if (datapath::xdp::is_standing()) {
    kernel.error().message +=
        "; the filter of the former floodwalld stays in force: start floodwalld again, or take it "
        "off with floodwalld --remove";
    return kernel;
  }
  auto queue = load_queue();
  if (!queue) {
    kernel.error().message += "; nor do packets get to user space: " + queue.error().message;
    return kernel;
  }
  problem_ = what_is_lost(kernel.error().message);
  return queue;
}

DatapathSwitch::DatapathSwitch(const std::filesystem::path& pins,
                               const std::filesystem::path& run_folder,
                               const config::Config& config)
    : options_{.sizes = sizes_of(config.tables), .pins = pins},
      queue_options_{.sizes = sizes_of(config.tables),
                     .first_queue = static_cast<std::uint16_t>(config.nfqueue.queue),
                     .ledger = run_folder / "nfqueue.given"},
      kind_(config.datapath) {}

Result<DatapathSwitch> DatapathSwitch::open(const std::filesystem::path& pins,
                                            const std::filesystem::path& run_folder,
                                            const config::Config& config) {
  DatapathSwitch out(pins, run_folder, config);
  std::error_code unreadable;
  out.keep_ = std::filesystem::exists(pins / "maps", unreadable);  // the folder alone may be there
  auto kernel = out.load(out.keep_);
  if (!kernel) return std::unexpected(std::move(kernel.error()));
  out.kernel_ = std::move(*kernel);
  return out;
}

Result<DatapathSwitch> DatapathSwitch::open_off(const std::filesystem::path& pins,
                                                const std::filesystem::path& run_folder,
                                                const config::Config& config, const Now& now) {
  DatapathSwitch out(pins, run_folder, config);
  if (auto removed = datapath::xdp::remove_pinned(pins); !removed)
    return std::unexpected(std::move(removed.error()));
  out.use_memory(now);
  return out;
}

DatapathSwitch::~DatapathSwitch() {
  if (kernel_ && !keep_) remove();
}

datapath::Datapath& DatapathSwitch::current() {
  if (kernel_) return *kernel_;
  return *memory_;
}

void DatapathSwitch::use_memory(const Now& now) {
  // Any hash seed will do: no packet is looked up in these tables.
  memory_ = std::make_unique<datapath::UserDatapath>(sizes_without_packets(options_.sizes.bans),
                                                     now.mono_ns);
}

void DatapathSwitch::remove() {
  kernel_->remove();
  if (!opening_) return;
  opening_.reset();
  (void)datapath::xdp::remove_pinned(options_.pins);
}

Result<void> DatapathSwitch::off(engine::Engine& engine, const Now& now) {
  if (!kernel_) return {};
  remove();  // first: it is what was asked for
  use_memory(now);
  Result<void> moved = engine.move_to(*memory_, engine::Mode::off, now);
  kernel_.reset();
  return moved;
}

Result<void> DatapathSwitch::on(engine::Engine& engine, engine::Mode mode, const Now& now) {
  if (kernel_) return {};
  auto kernel = load(false);
  if (!kernel) return std::unexpected(std::move(kernel.error()));
  if (Result<void> moved = engine.move_to(**kernel, mode, now); !moved) {
    if (Result<void> back = engine.move_to(*memory_, engine::Mode::off, now); !back)
      moved.error().message += "; and then: " + back.error().message;
    (*kernel)->remove();
    return moved;
  }
  kernel_ = std::move(*kernel);
  memory_.reset();
  return {};
}

Result<bool> DatapathSwitch::fall_back(const std::string& why, engine::Engine& engine,
                                       const Now& now) {
  if (!kernel_ || kind_ != config::DatapathKind::automatic || kernel_->kind() != "xdp")
    return false;
  auto queue = datapath::nfqueue::open(queue_options_);
  if (!queue) return std::unexpected(std::move(queue.error()));
  if (Result<void> moved = engine.move_to(**queue, engine.mode(), now); !moved) {
    if (Result<void> back = engine.move_to(*kernel_, engine.mode(), now); !back)
      moved.error().message += "; and then: " + back.error().message;
    return std::unexpected(std::move(moved.error()));
  }
  kernel_->remove();
  kernel_ = std::move(*queue);
  problem_ = what_is_lost(why);
  retry_later(now);
  return true;
}

void DatapathSwitch::retry_later(const Now& now) {
  // Judgement: a load takes seconds of one core.
  constexpr std::uint64_t kPauseNs = 5 * kSecond, kLongestPauseNs = 600 * kSecond;
  retry_pause_ns_ = std::clamp(2 * retry_pause_ns_, kPauseNs, kLongestPauseNs);
  retry_due_ns_ = now.mono_ns + retry_pause_ns_;
  opening_.reset();
}

bool DatapathSwitch::return_to_xdp(engine::Engine& engine, const Now& now) {
  if (!kernel_ || kind_ != config::DatapathKind::automatic || kernel_->kind() == "xdp")
    return false;
  if (!opening_) {
    if (now.mono_ns < retry_due_ns_) return false;
    // Takes no time, so it need not wait longer after each failure.
    if (const Result<void> pins = datapath::xdp::prepare_pins(options_.pins); !pins) {
      problem_ = what_is_lost(pins.error().message);
      retry_due_ns_ = now.mono_ns + kSecond;
      return false;
    }
    opening_.emplace(options_);
  }
  auto xdp = opening_->poll(0);
  if (!xdp) return false;
  const bool returned = *xdp && replace_queue(std::move(**xdp), engine, now);
  if (!returned) (void)datapath::xdp::remove_pinned(options_.pins);
  retry_later(now);
  if (returned) retry_pause_ns_ = 0;
  return returned;
}

// The queues judge until XDP is attached with all tables filled.
bool DatapathSwitch::replace_queue(std::unique_ptr<datapath::Datapath> xdp, engine::Engine& engine,
                                   const Now& now) {
  bool attached = false;
  for (const datapath::InterfaceStatus& each : kernel_->interfaces())
    attached = xdp->attach(each.name).has_value() || attached;
  if (attached) {
    if (engine.move_to(*xdp, engine.mode(), now)) {
      kernel_ = std::move(xdp);
      problem_.clear();
      return true;
    }
    // They have what they had; what cannot be put again was in force already.
    (void)engine.move_to(*kernel_, engine.mode(), now);
  }
  xdp->remove();
  return false;
}

}  // namespace fw::daemon
