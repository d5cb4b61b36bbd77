// SPDX-License-Identifier: MIT
// Any bytes as a capture file: read to its end or to an error that stays, without growing; every
// record becomes a frame or nothing.
#include "capture/reader.hpp"
#include "fuzz/check.hpp"
#include "replay/policy_frame.hpp"

using fw::test::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto reader = fw::capture::Reader::from_memory(std::as_bytes(std::span(data, size)));
  if (!reader) {
    check(!reader.error().message.empty());
    return 0;
  }
  fw::capture::Record record;
  std::uint64_t count = 0;
  fw::Result<bool> more = true;
  while ((more = reader->next(record)).value_or(false)) {
    check(record.index == count++);
    check(record.data.size() <= fw::capture::kMaxRecordBytes);
    if (count > 100'000) return 0;  // an unpacked bomb: long, but bounded in memory
    const auto captured = fw::capture::frame_of(record.link_type, record.data, record.wire_bytes);
    if (!captured) continue;
    const fw_frame frame = fw::replay::policy_frame(*captured);
    fw_packet packet{};
    (void)fw_policy_parse(&frame, &packet);
  }
  const fw::Result<bool> again = reader->next(record);
  check(again.has_value() == more.has_value());
  return 0;
}
