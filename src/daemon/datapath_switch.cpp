// SPDX-License-Identifier: MIT
#include "daemon/datapath_switch.hpp"

#include <system_error>
#include <utility>

namespace fw::daemon {
namespace {

datapath::TableSizes sizes_of(const config::Tables& tables) {
  return {.sources = tables.sources, .flows = tables.flows, .bans = tables.bans};
}

// Only the engine's marks matter while nobody sends us packets.
datapath::TableSizes sizes_without_packets(std::uint32_t bans) {
  return {.sources = FW_SOURCE_WAYS, .flows = FW_FLOW_WAYS, .bans = bans};
}

// As open() of the datapath, but leaves nothing behind.
Result<std::unique_ptr<datapath::Datapath>> load(const datapath::xdp::Options& options,
                                                 bool were_there) {
  auto kernel = datapath::xdp::open(options);
  if (!kernel && !were_there) (void)datapath::xdp::remove_pinned(options.pins);
  return kernel;
}

}  // namespace

Result<DatapathSwitch> DatapathSwitch::open(const std::filesystem::path& pins,
                                            const config::Config& config) {
  if (config.datapath == config::DatapathKind::nfqueue)
    return fail(ErrorKind::invalid_config,
                "datapath = \"nfqueue\": this version has no such datapath yet; write \"auto\"");
  DatapathSwitch out;
  out.options_ = {.sizes = sizes_of(config.tables), .pins = pins};
  std::error_code unreadable;
  out.keep_ = std::filesystem::exists(pins, unreadable);
  auto kernel = load(out.options_, out.keep_);
  if (!kernel) return std::unexpected(std::move(kernel.error()));
  out.kernel_ = std::move(*kernel);
  return out;
}

DatapathSwitch::~DatapathSwitch() {
  if (kernel_ && !keep_) kernel_->remove();
}

datapath::Datapath& DatapathSwitch::current() {
  if (kernel_) return *kernel_;
  return *memory_;
}

Result<void> DatapathSwitch::off(engine::Engine& engine, const engine::Now& now) {
  if (!kernel_) return {};
  kernel_->remove();  // what was asked for comes first
  // Its hash seed matters to nobody: no packet is looked up here.
  memory_ = std::make_unique<datapath::UserDatapath>(sizes_without_packets(options_.sizes.bans),
                                                     now.mono_ns);
  Result<void> moved = engine.move_to(*memory_, now);
  kernel_.reset();
  return moved;
}

Result<void> DatapathSwitch::on(engine::Engine& engine, const engine::Now& now) {
  if (kernel_) return {};
  auto kernel = load(options_, false);
  if (!kernel) return std::unexpected(std::move(kernel.error()));
  if (Result<void> moved = engine.move_to(**kernel, now); !moved) {
    if (Result<void> back = engine.move_to(*memory_, now); !back)
      moved.error().message += "; and then: " + back.error().message;
    (*kernel)->remove();
    return moved;
  }
  kernel_ = std::move(*kernel);
  memory_.reset();
  return {};
}

}  // namespace fw::daemon
