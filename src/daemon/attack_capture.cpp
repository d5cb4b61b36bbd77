// SPDX-License-Identifier: MIT
#include "daemon/attack_capture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "policy/policy.h"

namespace fw::daemon {
namespace {

constexpr std::size_t kEthernetBytes = 14;

std::uint64_t wall_ns(const Now& now, std::uint64_t mono_ns) {
  const auto since = wall_at(now, mono_ns).time_since_epoch();
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
  return ns < 0 ? 0 : static_cast<std::uint64_t>(ns);
}

Result<void> write_sample(capture::Writer& writer, const fw_sample& sample, const Now& now) {
  const std::size_t head_bytes = std::min<std::size_t>(sample.head_bytes, sizeof sample.head);
  const auto head = std::as_bytes(std::span(sample.head).first(head_bytes));
  const std::uint64_t time_ns = wall_ns(now, sample.time_ns);
  if (sample.link != FW_LINK_IP) return writer.write(time_ns, head, sample.packet.len_bytes);
  // A pcap file has one link type: packets that came without an Ethernet header get an empty one.
  std::array<std::byte, kEthernetBytes + sizeof sample.head> frame{};
  frame[12] = std::byte{static_cast<unsigned char>(sample.packet.is_v6 != 0 ? 0x86 : 0x08)};
  frame[13] = std::byte{static_cast<unsigned char>(sample.packet.is_v6 != 0 ? 0xdd : 0x00)};
  std::memcpy(frame.data() + kEthernetBytes, head.data(), head.size());
  return writer.write(time_ns, std::span(frame).first(kEthernetBytes + head.size()),
                      static_cast<std::uint32_t>(sample.packet.len_bytes + kEthernetBytes));
}

}  // namespace

void AttackCapture::add(const fw_sample& sample) {
  // Between two ticks of an attack more packets may come than are held before one.
  const std::size_t most = file_.empty() ? kBefore : kPackets;
  while (held_.size() >= most) held_.pop_front();
  held_.push_back(sample);
}

void AttackCapture::update(engine::Detector& detector, bool wanted, const Now& now) {
  now_ = now;
  if (!wanted) {
    finish();
    held_.clear();
    problem_.clear();
    return;
  }
  const std::optional<engine::Attack>& attack = detector.attack();
  if (!attack) {
    finish();
    return;
  }
  if (const std::string& id = attack->id; id != attack_) {
    attack_ = id;
    auto file = begin(id);
    if (file) detector.set_capture_file(file->native());
    set_problem(file ? Result<void>() : std::unexpected(file.error()));
  }
  if (file_.empty()) return;
  Result<void> done = take_held(now);
  if (done && writer_) done = writer_->flush();
  if (done && !writer_ && changed_ && now.mono_ns - rewritten_ns_ >= kRewriteNs) done = rewrite();
  set_problem(done);
  if (done) return;
  writer_.reset();
  file_.clear();
}

// What was held comes into the file: at once, or when it is written anew.
Result<void> AttackCapture::take_held(const Now& now) {
  Result<void> done;
  for (; done && !held_.empty(); held_.pop_front()) {
    const fw_sample& sample = held_.front();
    // What was sampled before the attack was noticed is kept whole.
    const bool before = before_.size() < kBefore && sample.time_ns < began_ns_;
    if (before)
      before_.push_back(sample);
    else
      shares_.add(sample);
    changed_ = true;
    if (shares_.is_thinned())
      writer_.reset();  // closes it; rewrite() replaces the file
    else
      done = write_sample(*writer_, sample, now);
  }
  return done;
}

// Beside the file and then in its place: a reader sees either the old or the new one.
Result<void> AttackCapture::rewrite() {
  const std::filesystem::path part = file_.native() + ".part";
  auto writer = capture::Writer::create(part.native());
  if (!writer) return std::unexpected(std::move(writer.error()));
  Result<void> done;
  for (const fw_sample& sample : before_)
    if (done) done = write_sample(*writer, sample, now_);
  for (const fw_sample& sample : shares_.all())
    if (done) done = write_sample(*writer, sample, now_);
  if (done) done = writer->close();
  std::error_code error;
  if (done) std::filesystem::rename(part, file_, error);
  if (error) done = fail(fmt::format("rename {}: {}", part.native(), error.message()));
  if (!done) std::filesystem::remove(part, error);
  changed_ = false;
  rewritten_ns_ = now_.mono_ns;
  return done;
}

Result<std::filesystem::path> AttackCapture::begin(const std::string& id) {
  finish();
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return fail(fmt::format("create {}: {}", folder_.native(), error.message()));
  remove_oldest();
  // Ids start again with each daemon, so the name may be taken.
  std::filesystem::path file = folder_ / (id + ".pcap");
  for (unsigned again = 2; std::filesystem::exists(file, error); again++)
    file = folder_ / fmt::format("{}-{}.pcap", id, again);
  auto writer = capture::Writer::create(file.native());
  if (!writer) return std::unexpected(std::move(writer.error()));
  writer_.emplace(std::move(*writer));
  file_ = file;
  began_ns_ = now_.mono_ns;
  return file;
}

void AttackCapture::set_problem(const Result<void>& done) {
  problem_ = done ? "" : "the attack's packets are not written: " + done.error().message;
}

void AttackCapture::finish() {
  if (!file_.empty()) {
    if (writer_)
      set_problem(writer_->close());
    else if (changed_)
      set_problem(rewrite());
  }
  writer_.reset();
  file_.clear();
  before_.clear();
  shares_.clear();
  changed_ = false;
  rewritten_ns_ = 0;
}

// Leaves room for one more of kFiles. A file that cannot be removed does not stop the capture.
void AttackCapture::remove_oldest() const {
  using File = std::pair<std::filesystem::file_time_type, std::filesystem::path>;
  std::vector<File> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error))
    if (entry.path().extension() == ".pcap")
      files.emplace_back(entry.last_write_time(error), entry.path());
  std::ranges::sort(files);
  // What a rewriting that was cut off left.
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error))
    if (entry.path().extension() == ".part") std::filesystem::remove(entry.path(), error);
  for (std::size_t i = 0; i + kFiles <= files.size(); i++)
    std::filesystem::remove(files[i].second, error);
}

}  // namespace fw::daemon
