// SPDX-License-Identifier: MIT
#include "top/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace fw::top {

Result<Signals> Signals::open() {
  sigset_t wanted, before;
  ::sigemptyset(&wanted);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH})
    ::sigaddset(&wanted, number);
  UniqueFd fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return fail_errno("signalfd", errno);
  ::pthread_sigmask(SIG_BLOCK, &wanted, &before);
  return Signals(std::move(fd), before);
}

Signals::Signals(Signals&& other) noexcept = default;

Signals::~Signals() {
  if (!fd_.valid()) return;
  (void)take();  // one that came again meanwhile has its wish already
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Signals::Came Signals::take() const {
  Came came;
  signalfd_siginfo one{};
  while (::read(fd_.get(), &one, sizeof(one)) == sizeof(one))
    (one.ssi_signo == SIGWINCH ? came.resized : came.end) = true;
  return came;
}

}  // namespace fw::top
