// SPDX-License-Identifier: MIT
#include "stack/odd_frames.hpp"

#include <algorithm>
#include <array>

namespace fw::test {
namespace {

constexpr unsigned kIpv4 = 0x0800, kIpv6 = 0x86dd;

void put16(Bytes& to, unsigned value) {
  to.push_back(static_cast<fw_u8>(value >> 8));
  to.push_back(static_cast<fw_u8>(value));
}
void put32(Bytes& to, std::uint32_t value) {
  put16(to, value >> 16);
  put16(to, value & 0xffff);
}
void set16(Bytes& in, std::size_t at, unsigned value) {
  in[at] = static_cast<fw_u8>(value >> 8);
  in[at + 1] = static_cast<fw_u8>(value);
}
void append(Bytes& to, const Bytes& more) {
  to.insert(to.end(), more.begin(), more.end());
}
Bytes slice(const Bytes& from, std::size_t begin, std::size_t end) {
  return {from.begin() + static_cast<std::ptrdiff_t>(begin),
          from.begin() + static_cast<std::ptrdiff_t>(end)};
}

// RFC 1071, over `size` bytes of `from`.
unsigned checksum(const Bytes& from, std::size_t size, unsigned long sum = 0) {
  for (std::size_t i = 0; i < size; i++)
    sum += i % 2 ? from[i] : static_cast<unsigned>(from[i]) << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<unsigned>(~sum & 0xffff);
}

// Of an IPv4 header, whatever length it claims.
void correct_v4(Bytes& ip) {
  const std::size_t size = std::min<std::size_t>(ip.size(), std::size_t{ip[0] & 15U} * 4);
  if (size < 20) return;
  set16(ip, 10, 0);
  set16(ip, 10, checksum(ip, size));
}

}  // namespace

Bytes OddFrames::transport(std::uint64_t number) {
  Bytes out;
  std::size_t sum_at = 0;
  const unsigned sport = 1024 + below(60000);
  if (proto_ == 6) {
    const unsigned options = one_in(3) ? below(11) : 0;
    put16(out, sport);
    put16(out, one_in(4) ? kClosedPort : kTcpPort);
    put32(out, static_cast<std::uint32_t>(number << kTcpNumberShift) + 1);
    put32(out, static_cast<std::uint32_t>(number << kTcpNumberShift) + 1);
    put16(out, (5 + options) << 12 | (one_in(6) ? below(256) : 2));
    put16(out, 65535);
    put32(out, 0);
    out.resize(out.size() + std::size_t{options} * 4, 1);  // no operation
    sum_at = 16;
  } else {
    if (proto_ == 17) {
      put16(out, sport);
      put16(out, one_in(8) ? kClosedPort : kUdpPort);
      put16(out, 0);
    } else {
      put16(out, v6_ ? 0x8000 : 0x0800);  // echo request
    }
    put16(out, 0);  // checksum
    if (proto_ != 17) put32(out, sport << 16 | 1);
    put32(out, static_cast<std::uint32_t>(number >> 32));
    put32(out, static_cast<std::uint32_t>(number));
    sum_at = proto_ == 17 ? 6 : 2;
  }
  out.resize(out.size() + (one_in(3) ? below(200) : 0));
  const auto size = static_cast<unsigned>(out.size());
  if (proto_ == 17) set16(out, 4, one_in(20) ? below(size + 4) : size);
  unsigned long sum = 0;
  if (proto_ != 1) {  // ICMP has no pseudo-header
    Bytes pseudo = source_;
    append(pseudo, destination_);
    sum = static_cast<unsigned long>(~checksum(pseudo, pseudo.size()) & 0xffff) + proto_ + size;
  }
  if (proto_ != 17 || v6_ || !one_in(4)) set16(out, sum_at, checksum(out, size, sum));
  return out;
}

std::vector<Bytes> OddFrames::ip_v4(const Bytes& transport) {
  const unsigned options = one_in(3) ? below(11) : 0;
  constexpr std::array<fw_u8, 6> kOptions{131, 137, 148, 7, 68, 130};  // with a length
  Bytes header;
  put16(header, (0x45 + options) << 8);
  put16(header, 0);
  put16(header, below(65536));
  put16(header, one_in(10) ? 0x8000 : 0);
  put16(header, 64U << 8 | proto_);
  put16(header, 0);
  append(header, source_);
  append(header, destination_);
  header.resize(20 + std::size_t{options} * 4, 1);
  if (options && one_in(2)) {
    header[20] = kOptions[below(6)];
    header[21] = static_cast<fw_u8>(one_in(4) ? below(41) : 4 * options);
    if (options) header[22] = static_cast<fw_u8>(4 + below(8));
  }
  const std::size_t cut = one_in(3) ? 8 * (1 + below(4)) : transport.size();
  std::vector<Bytes> out;
  for (std::size_t at = 0; at < transport.size(); at += cut) {
    const std::size_t end = std::min(at + cut, transport.size());
    Bytes ip = header;
    append(ip, slice(transport, at, end));
    const auto total = static_cast<unsigned>(ip.size());
    set16(ip, 2, one_in(20) ? below(2 * total) : total);
    if (end < transport.size()) ip[6] |= 0x20;
    set16(ip, 6, static_cast<unsigned>(ip[6]) << 8 | static_cast<unsigned>(at / 8));
    correct_v4(ip);
    out.push_back(std::move(ip));
  }
  return out;
}

// Puts one extension header in front of a chain that begins with `next`.
void OddFrames::extend(Bytes& chain, unsigned& next, unsigned kind) {
  const unsigned units = kind == 44 ? 0 : one_in(4) ? below(one_in(20) ? 40 : 4) : 0;
  Bytes head{static_cast<fw_u8>(next), static_cast<fw_u8>(units)};
  if (kind == 44) {
    put16(head, one_in(8) ? below(65536) : 0);
    put32(head, below(1000));
  } else if (kind == 43) {
    constexpr std::array<fw_u8, 5> kTypes{0, 2, 3, 4, 253};
    put16(head, static_cast<unsigned>(kTypes[below(5)]) << 8 | (one_in(3) ? below(3) : 0));
    put32(head, 0);
  } else if (kind == 51) {
    head[1] = static_cast<fw_u8>(1 + 2 * units);
    head.resize(12 + std::size_t{units} * 8);
  } else {
    put16(head, 1U << 8 | (4 + 8 * units > 255 ? 0 : 4 + 8 * units));  // PadN
    put32(head, 0);
  }
  if (kind != 51) head.resize(8 + std::size_t{units} * 8);
  append(head, chain);
  chain = std::move(head);
  next = kind;
}

std::vector<Bytes> OddFrames::ip_v6(const Bytes& transport, unsigned& extensions) {
  constexpr std::array<unsigned, 8> kKinds{60, 60, 60, 43, 44, 51, 0, 135};
  const unsigned inner = one_in(2) ? below(one_in(6) ? 70 : 11) : 0,
                 outer = one_in(3) ? below(3) : 0;
  const bool fragments = one_in(3);
  Bytes chain = transport;
  unsigned next = proto_;
  // Chains of destination options alone are what reaches the sockets.
  const auto kind = [&] { return one_in(3) ? kKinds[below(8)] : 60U; };
  for (unsigned i = 0; i < inner; i++) extend(chain, next, kind());
  extensions = inner + (fragments ? 1 : outer);
  const std::size_t cut = fragments ? 8 * (1 + below(one_in(2) ? 40 : 8)) : chain.size();
  const std::uint32_t id = static_cast<std::uint32_t>(random_());
  std::vector<Bytes> out;
  const unsigned first = next;
  for (std::size_t at = 0; at < chain.size(); at += cut) {
    const std::size_t end = std::min(at + cut, chain.size());
    Bytes rest = slice(chain, at, end);
    next = first;
    if (fragments) {
      Bytes head{static_cast<fw_u8>(at && one_in(4) ? below(256) : next), 0};
      put16(head, static_cast<unsigned>(at) | (end < chain.size() ? 1 : 0));
      put32(head, id);
      append(head, rest);
      rest = std::move(head);
      next = 44;
    } else {
      for (unsigned i = 0; i < outer; i++)
        extend(rest, next, i + 1 == outer && one_in(2) ? 0 : kind());
    }
    Bytes ip;
    put32(ip, 6U << 28 | below(1 << 20));
    put16(ip, one_in(20) ? below(static_cast<unsigned>(rest.size()) + 8)
                         : static_cast<unsigned>(rest.size()));
    ip.push_back(static_cast<fw_u8>(next));
    ip.push_back(64);
    append(ip, source_);
    append(ip, destination_);
    append(ip, rest);
    out.push_back(std::move(ip));
  }
  return out;
}

Bytes OddFrames::link(const Bytes& ip, unsigned tags) {
  Bytes out{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
  const unsigned odd = below(40);
  for (unsigned i = 0; i < tags; i++) {
    put16(out, one_in(3) ? 0x88a8 : odd == 0 ? 0x9100 : 0x8100);
    put16(out, one_in(30) ? below(65536) : below(8) << 13);
  }
  if (odd == 1) {  // an MPLS label
    put16(out, 0x8847);
    put32(out, below(1 << 20) << 12 | 1U << 8 | 64);
  } else if (odd == 2) {  // PPPoE
    put16(out, 0x8864);
    put32(out, 0x11000000U + below(9));
    put16(out, static_cast<unsigned>(ip.size()) + 2);
    put16(out, v6_ ? 0x57 : 0x21);
  } else if (odd == 3) {  // 802.2 SNAP
    put16(out, static_cast<unsigned>(ip.size()) + 8);
    append(out, {0xaa, 0xaa, 3, 0, 0, 0});
    put16(out, v6_ ? kIpv6 : kIpv4);
  } else {
    put16(out, odd == 4 ? kIpv4 + kIpv6 - (v6_ ? kIpv6 : kIpv4) : v6_ ? kIpv6 : kIpv4);
  }
  append(out, ip);
  if (one_in(4)) out.resize(out.size() + below(40));  // padding
  return out;
}

// Any bit of the IP headers. IPv4's checksum holds again after it.
void OddFrames::damage(Bytes& ip) {
  const auto headers = static_cast<unsigned>(std::min<std::size_t>(ip.size(), v6_ ? 60 : 24));
  ip[below(headers)] ^= static_cast<fw_u8>(1U << below(8));
  if (!v6_) correct_v4(ip);
}

OddPacket OddFrames::next(std::uint64_t number) {
  OddPacket made;
  made.number = number;
  made.entry = one_in(4) ? (one_in(3) ? Entry::tun_with_info : Entry::tun) : Entry::ethernet;
  v6_ = !one_in(3);
  proto_ = one_in(5) ? (v6_ ? 58 : 1) : one_in(2) ? 6 : 17;
  // Each entry has networks of its own, so that answers leave by it.
  const auto net = static_cast<fw_u8>(0x40 + 0x20 * static_cast<unsigned>(made.entry));
  const auto low = static_cast<fw_u8>(1 + below(250)), high = static_cast<fw_u8>(below(256));
  if (v6_) {
    source_ = {0xfd, net, 0, 0, 0, 0, 0, high, 0, 0, 0, 0, 0, 0, 0, low};
    destination_ = {0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
  } else {
    source_ = {10, net, high, low};
    destination_ = {10, 9, 0, 2};
  }
  const Bytes inside = transport(number);
  made.frames = v6_ ? ip_v6(inside, made.extensions) : ip_v4(inside);
  if (one_in(6)) damage(made.frames[below(static_cast<unsigned>(made.frames.size()))]);
  if (one_in(10)) std::ranges::reverse(made.frames);
  made.info = static_cast<fw_u16>(v6_ ? kIpv6 : kIpv4);
  if (one_in(10)) made.info = one_in(2) ? 0x8100 : 0x8847;
  if (made.entry != Entry::ethernet) return made;
  made.tags = one_in(2) ? 0 : below(one_in(4) ? 40 : 11);
  for (Bytes& frame : made.frames) frame = link(frame, made.tags);
  return made;
}

}  // namespace fw::test
