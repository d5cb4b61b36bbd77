// SPDX-License-Identifier: MIT
// Captures of every format, byte order and resolution, whole, cut, damaged and packed.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "capture/reader.hpp"
#include "capture/writer.hpp"
#include "capture_files.hpp"

namespace fw::capture {
namespace {

using test::File;
using Data = std::vector<std::byte>;

// What is read from a file: one line per record, and the end.
struct Content {
  std::vector<std::string> records;
  bool cut = false;
  std::string error;
  bool opened = false;
};

Content drain(Result<Reader> reader) {
  Content content;
  if (!reader) {
    content.error = reader.error().message;
    return content;
  }
  content.opened = true;
  Record record;
  while (true) {
    const Result<bool> found = reader->next(record);
    if (!found) {
      content.error = found.error().message;
      EXPECT_EQ(reader->next(record).error().message, content.error);  // and so it stays
      return content;
    }
    if (!*found) break;
    EXPECT_EQ(record.index, content.records.size());
    const std::string text(reinterpret_cast<const char*>(record.data.data()), record.data.size());
    content.records.push_back(
        fmt::format("{} {} {}/{}", record.time_ns, record.link_type, text, record.wire_bytes));
  }
  content.cut = reader->cut();
  EXPECT_FALSE(reader->next(record).value());
  return content;
}

Content content_of(const Data& data) {
  return drain(Reader::from_memory(data, "x.pcap"));
}

Content content_of(const File& file) {
  return content_of(file.get());
}

using Lines = std::vector<std::string>;

File small_pcap() {
  return File().pcap_head(0xa1b2c3d4).pcap_record(5, 6, "abc", 60).pcap_record(4, 0, "de", 2);
}

File small_pcapng() {
  return File().section().interface(1).enhanced(0, 7, "abcde", 60).simple("xy", 2);
}

TEST(capture, every_variant_of_pcap_is_read) {
  struct Case {
    std::uint32_t magic;
    bool big_endian, has_long_head;
    const char* time;
  };
  const Case cases[] = {
      {0xa1b2c3d4, false, false, "1700000000000123000"},
      {0xa1b2c3d4, true, false, "1700000000000123000"},
      {0xa1b23c4d, false, false, "1700000000000000123"},
      {0xa1b23c4d, true, false, "1700000000000000123"},
      {0xa1b2cd34, false, true, "1700000000000123000"},
      {0xa1b2cd34, true, true, "1700000000000123000"},
  };
  for (const Case& c : cases) {
    File file(c.big_endian);
    file.pcap_head(c.magic, 0xf000'0071).u32(1'700'000'000).u32(123).u32(3).u32(1500);
    if (c.has_long_head) file.u64(0);
    file.text("abc");
    const Content content = content_of(file);
    EXPECT_EQ(content.records, Lines{fmt::format("{} 113 abc/1500", c.time)}) << c.magic;
    EXPECT_EQ(content.error, "");
    EXPECT_FALSE(content.cut);
  }
}

TEST(capture, a_capture_without_packets_is_no_error) {
  for (const File& file :
       {File(true).pcap_head(0xa1b2c3d4), File().section(), File().section().interface(1)}) {
    const Content content = content_of(file);
    EXPECT_TRUE(content.opened);
    EXPECT_EQ(content.error, "");
    EXPECT_TRUE(content.records.empty());
    EXPECT_FALSE(content.cut);
  }
}

TEST(capture, time_stamps_of_pcapng_have_any_resolution_and_offset) {
  struct Case {
    unsigned resolution;
    std::int64_t offset_s;
    std::uint64_t ticks;
    const char* time;
  };
  const Case cases[] = {
      {6, 0, 1'700'000'000'000'001, "1700000000000001000"},
      {9, 0, 1'700'000'000'000'000'001, "1700000000000000001"},
      {0, 0, 3, "3000000000"},
      {12, 0, 5'999, "5"},
      {28, 0, ~0ULL, "1"},
      {29, 0, ~0ULL, "0"},
      {127, 0, ~0ULL, "0"},
      {0x80 | 10, 0, 1536, "1500000000"},
      {0x80 | 63, 0, 1ULL << 62, "500000000"},
      {0x80 | 127, 0, ~0ULL, "0"},
      {6, 100, 7, "100000007000"},
      {6, -1, 2'000'000, "1000000000"},
      {6, -1'000, 2'000'000, "0"},            // before 1970
      {0, 0, ~0ULL, "18446744073709551615"},  // after 2554
      {9, INT64_MAX, ~0ULL, "18446744073709551615"},
  };
  for (const bool big_endian : {false, true}) {
    for (const Case& c : cases) {
      File file(big_endian);
      file.section().interface(1, c.resolution, c.offset_s).enhanced(0, c.ticks, "a", 1);
      EXPECT_EQ(content_of(file).records, Lines{fmt::format("{} 1 a/1", c.time)}) << c.resolution;
    }
  }
}

TEST(capture, every_section_has_its_own_byte_order_and_interfaces) {
  File file = File().section().interface(1).interface(101, 9, 0);
  file.enhanced(1, 8, "one", 3).enhanced(0, 8, "two", 90);
  file.bytes(File(true).section().interface(113).enhanced(0, 1, "three", 5).get());
  EXPECT_EQ(content_of(file).records, (Lines{"8 101 one/3", "8000 1 two/90", "1000 113 three/5"}));
}

TEST(capture, old_and_simple_packet_blocks_are_read_and_others_skipped) {
  for (const bool big_endian : {false, true}) {
    File file(big_endian);
    file.section().interface(1, 4).block(5, file.body().u32(1)).simple("abcdef", 6);
    file.block(0x80000bad, file.body()).simple("ab", 2).obsolete(0, 3, "old", 4);
    EXPECT_EQ(content_of(file).records, (Lines{"0 1 abcd/6", "0 1 ab/2", "3000 1 old/4"}));
  }
}

// Up to which whole record is a file read that ends after n bytes?
void expect_read_up_to_every_cut(const Data& whole, std::size_t head_bytes) {
  const Lines all = content_of(whole).records;
  std::size_t most = 0;
  for (std::size_t n = 4; n < whole.size(); ++n) {
    const Content content = content_of(Data(whole.begin(), whole.begin() + static_cast<long>(n)));
    EXPECT_EQ(content.opened, n >= head_bytes) << n;
    if (n < head_bytes) {
      EXPECT_NE(content.error.find("ends within the head"), std::string::npos) << content.error;
      continue;
    }
    EXPECT_EQ(content.error, "") << n;
    ASSERT_LE(content.records.size(), all.size());
    EXPECT_TRUE(std::equal(content.records.begin(), content.records.end(), all.begin()));
    EXPECT_GE(content.records.size(), most);
    most = std::max(most, content.records.size());
  }
  EXPECT_EQ(most + 1, all.size());
}

TEST(capture, a_cut_file_is_read_up_to_the_cut) {
  expect_read_up_to_every_cut(small_pcap().get(), 24);
  expect_read_up_to_every_cut(small_pcapng().get(), 28);
  const Data whole = small_pcap().get();
  EXPECT_TRUE(content_of(Data(whole.begin(), whole.end() - 1)).cut);    // within data
  EXPECT_TRUE(content_of(Data(whole.begin(), whole.end() - 10)).cut);   // within a header
  EXPECT_FALSE(content_of(Data(whole.begin(), whole.end() - 18)).cut);  // between two records
}

TEST(capture, damage_is_named_with_file_and_offset_after_what_was_whole) {
  struct Case {
    File file;
    std::size_t records = 0;
    const char* message = nullptr;
  };
  const File good = File().section().interface(1).enhanced(0, 7, "abcd", 60);  // 28 + 20 + 36
  const Case cases[] = {
      {small_pcap().u32(0).u32(0).u32(262145).u32(0), 2, "offset 61: a record claims 262145"},
      {small_pcap().u32(0).u32(0).u32(~0U).u32(0), 2, "offset 61: a record claims 4294967295"},
      {File(good).enhanced(1, 0, "a", 1), 1, "offset 84: a packet of interface 1, of which there"},
      {File(good).u32(6).u32(8).u32(8), 1, "offset 84: a block claims 8 bytes"},
      {File(good).u32(6).u32(33).u64(0).u64(0), 1, "offset 84: a block claims 33 bytes"},
      {File(good).u32(6).u32(1U << 25).u64(0), 1, "offset 84: a block claims 33554432 bytes"},
      {File(good).block(6, File().u32(0).u64(0).u32(5).u32(5).u32(0)), 1,
       "offset 84: a packet claims 5 captured bytes in a block of 36"},
      {File(good).block(6, File().u64(0)), 1, "offset 84: a packet block is too short"},
      {File(good).block(3, File()), 1, "offset 84: a packet block is too short"},
      {File(good).block(1, File().u32(1)), 1, "offset 84: an interface block is too short"},
      {File(good).block(1, File().u64(1).u16(9).u16(100)), 1,
       "offset 84: an interface block's option is too long"},
      {File().section().simple("a", 1), 0, "offset 28: a packet before any interface"},
      {File(good).u32(0x0a0d0d0a).u32(28).u32(0x1a2b3c4e).u64(0).u64(0), 1,
       "offset 84: a pcapng section without a byte order"},
  };
  for (const Case& c : cases) {
    const Content content = content_of(c.file);
    EXPECT_EQ(content.records.size(), c.records) << c.message;
    EXPECT_EQ(content.error.find(fmt::format("x.pcap: {}", c.message)), 0U) << content.error;
  }
}

TEST(capture, what_is_no_capture_is_refused_with_what_it_looks_like) {
  using namespace std::string_literals;
  const std::pair<std::string, const char*> cases[] = {
      {"", "empty"},
      {"\xd4\xc3"s, "starts with d4 c3"},
      {"#!/usr/bin/python3\n", "text"},
      {"\x28\xb5\x2f\xfd----"s, "zstd -dc"},
      {"PK\x03\x04----"s, "a zip archive"},
      {"\x18\x49\x86\xa6\xc9\x94\x27\x33\x01"s, "starts with 18 49 86 a6 c9 94 27 33"},
      {"\x0a\x0d\x0d\x0a\x1c\0\0\0nonsense, more than twenty"s, "without a byte order"},
      {"\xd4\xc3\xb2\xa1\x02\0"s, "ends within the head of a pcap file (6 of 24 bytes)"},
  };
  for (const auto& [text, message] : cases) {
    const Content content = content_of(File().text(text));
    EXPECT_FALSE(content.opened);
    EXPECT_NE(content.error.find(message), std::string::npos) << content.error;
    EXPECT_EQ(content.error.find("x.pcap: "), 0U);
  }
}

TEST(capture, gzip_members_are_read_as_one_file) {
  const File file = small_pcap();
  const File second = File().pcap_record(9, 9, "fgh", 3);
  Data packed = file.gzipped();
  const Data member = second.gzipped();
  packed.insert(packed.end(), member.begin(), member.end());
  packed.resize(packed.size() + 512);  // tar and tape leave zeros
  const Content content = content_of(packed);
  EXPECT_EQ(content.error, "");
  EXPECT_FALSE(content.cut);
  EXPECT_EQ(content.records,
            (Lines{"5000006000 1 abc/60", "4000000000 1 de/2", "9000009000 1 fgh/3"}));
}

TEST(capture, a_cut_gzip_file_is_read_up_to_the_cut_and_a_damaged_one_is_refused) {
  File file = small_pcapng();
  for (std::uint32_t i = 0; i < 500; ++i) file.enhanced(0, i * 7919ULL, std::to_string(i * i), 60);
  const Data packed = file.gzipped();
  const Content cut = content_of(Data(packed.begin(), packed.end() - 200));
  EXPECT_EQ(cut.error, "");
  EXPECT_TRUE(cut.cut);
  EXPECT_GT(cut.records.size(), 100U);
  EXPECT_LT(cut.records.size(), 502U);

  Data wrong_checksum = packed;
  wrong_checksum[packed.size() - 8] ^= std::byte{1};
  const Content refused = content_of(wrong_checksum);
  EXPECT_NE(refused.error.find("damaged gzip data: incorrect data check"), std::string::npos)
      << refused.error;

  Data trailing = packed;  // gzip ignores it, too
  trailing.push_back(std::byte{'x'});
  EXPECT_EQ(content_of(trailing).records.size(), 502U);
}

TEST(capture, records_across_the_ends_of_the_buffer_are_whole) {
  Data file;
  append_header(file);
  Data payload(200'000);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::byte>(i * 7 >> 3);
  std::vector<std::size_t> sizes(300);
  for (std::size_t i = 0; i < 300; ++i) sizes[i] = i % 50 == 0 ? 199'000 + i : i * 37 % 3000;
  for (const std::size_t size : sizes) append_record(file, size, {payload.data(), size}, 9);
  auto reader = Reader::from_memory(file).value();
  Record record;
  for (const std::size_t size : sizes) {
    ASSERT_TRUE(reader.next(record).value());
    ASSERT_EQ(record.time_ns, size);
    ASSERT_TRUE(std::ranges::equal(record.data, std::span(payload).first(size)));
  }
  EXPECT_FALSE(reader.next(record).value());
}

TEST(capture, a_block_larger_than_the_buffer_is_skipped) {
  const File huge = File().text(std::string(3'000'000, 'h'));
  const File file = small_pcapng().block(10, huge).enhanced(0, 1, "z", 1);
  EXPECT_EQ(content_of(file).records.back(), "1000 1 z/1");
}

TEST(capture, flipped_bytes_never_break_the_reader) {
  for (const Data& whole : {small_pcap().get(), small_pcapng().get(), small_pcapng().gzipped()}) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const unsigned flip : {1U, 0x80U, 0xffU}) {
        Data data = whole;
        data[at] ^= static_cast<std::byte>(flip);
        const Content content = content_of(data);
        EXPECT_LE(content.records.size(), 2U);
        EXPECT_TRUE(content.opened || content.error.starts_with("x.pcap: ")) << content.error;
      }
    }
  }
}

class CaptureFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/captureXXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(CaptureFile, what_was_written_is_read) {
  const std::string path = folder_ / "a.pcap";
  auto writer = Writer::create(path).value();
  const Data frame(100, std::byte{'f'});
  constexpr std::uint64_t kTime = 1'700'000'000'123'456'789;
  for (std::uint64_t i = 0; i < 5000; ++i)
    ASSERT_TRUE(writer.write(kTime + i, frame, 1514).has_value());
  ASSERT_TRUE(writer.close().has_value());
  EXPECT_FALSE(writer.close().has_value());
  EXPECT_EQ(std::filesystem::file_size(path), 24 + 5000 * 116U);
  EXPECT_EQ(std::filesystem::status(path).permissions() & std::filesystem::perms(077),
            std::filesystem::perms::none);

  auto reader = Reader::open(path).value();
  Record record;
  std::uint64_t count = 0;
  while (reader.next(record).value()) {
    ASSERT_EQ(record.time_ns, kTime + count);
    ASSERT_EQ(record.wire_bytes, 1514U);
    ASSERT_EQ(record.link_type, 1);
    ASSERT_TRUE(std::ranges::equal(record.data, frame));
    ++count;
  }
  EXPECT_EQ(count, 5000U);
  EXPECT_EQ(reader.progress(), 1.0);
}

TEST_F(CaptureFile, standard_input_is_read_to_its_end_also_from_a_pipe) {
  const std::string path = folder_ / "stdin.gz";
  const Data packed = small_pcap().gzipped();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(packed.data()), static_cast<long>(packed.size()));
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(::write(ends[1], packed.data(), packed.size()), static_cast<long>(packed.size()));
  (void)::close(ends[1]);
  for (const int file : {::open(path.c_str(), O_RDONLY | O_CLOEXEC), ends[0]}) {
    const int saved = ::dup(STDIN_FILENO);
    ASSERT_GE(::dup2(file, STDIN_FILENO), 0);
    const Content content = drain(Reader::open("-"));
    if (saved >= 0) (void)::dup2(saved, STDIN_FILENO);
    for (const int fd : {saved, file}) (void)::close(fd);
    EXPECT_EQ(content.records, (Lines{"5000006000 1 abc/60", "4000000000 1 de/2"}));
  }
}

TEST_F(CaptureFile, what_cannot_be_opened_is_named) {
  const std::string missing = folder_ / "missing.pcap";
  EXPECT_EQ(drain(Reader::open(missing)).error, missing + ": No such file or directory");
  EXPECT_EQ(drain(Reader::open(folder_)).error, folder_.string() + ": not a capture: a folder");
  EXPECT_FALSE(Writer::create(folder_ / "none" / "a.pcap").has_value());
}

}  // namespace
}  // namespace fw::capture
