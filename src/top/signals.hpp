// SPDX-License-Identifier: MIT
// The signals that end the view or change its terminal, to be read beside the keys. While it lives
// they have no other effect on the thread that made it, nor on threads that this one starts.
#pragma once

#include <csignal>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::top {

class Signals {
 public:
  [[nodiscard]] static Result<Signals> open();
  ~Signals();
  Signals(Signals&& other) noexcept;
  Signals& operator=(Signals&&) = delete;

  [[nodiscard]] int descriptor() const { return fd_.get(); }
  // Reads all that came: whether one of them ends the program, and whether the size changed.
  struct Came {
    bool end = false, resized = false;
  };
  [[nodiscard]] Came take() const;

 private:
  Signals(UniqueFd fd, const sigset_t& before) : fd_(std::move(fd)), before_(before) {}
  UniqueFd fd_;
  sigset_t before_{};  // the mask that is put back
};

}  // namespace fw::top
