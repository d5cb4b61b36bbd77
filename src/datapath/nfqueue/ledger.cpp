// SPDX-License-Identifier: MIT
#include "datapath/nfqueue/ledger.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <new>

#include "base/fd.hpp"

namespace fw::datapath::nfqueue {

namespace {

constexpr std::uint64_t kMagic = 0x66776c6564676531ULL;  // "fwledge1"

}  // namespace

Ledger::Ledger(const std::filesystem::path& file) {
  constexpr int kProtection = PROT_READ | PROT_WRITE;
  const UniqueFd fd(
      file.empty() ? -1 : ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  void* page = MAP_FAILED;
  if (fd.valid() && ::ftruncate(fd.get(), sizeof(Page)) == 0)
    page = ::mmap(nullptr, sizeof(Page), kProtection, MAP_SHARED, fd.get(), 0);
  if (page == MAP_FAILED)
    page = ::mmap(nullptr, sizeof(Page), kProtection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw std::bad_alloc{};
  page_ = static_cast<Page*>(page);
}

Ledger::~Ledger() {
  (void)::munmap(page_, sizeof(Page));
}

std::uint64_t Ledger::received() const {
  std::uint64_t sum = 0;
  for (std::uint64_t& one : page_->received)
    sum += std::atomic_ref(one).load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t Ledger::unseen_since_exit(std::uint64_t matched) const {
  if (page_->magic != kMagic) return 0;
  const std::uint64_t seen = received() - page_->before_rules;
  return matched > seen ? matched - seen : 0;
}

void Ledger::reset() {
  *page_ = {.magic = kMagic, .before_rules = 0, .received = {}};
}

void Ledger::restart_rule_counters() {
  page_->before_rules = received();
}

}  // namespace fw::datapath::nfqueue
