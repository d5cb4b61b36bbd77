// SPDX-License-Identifier: MIT
#include "datapath/nfqueue/program.hpp"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/fd.hpp"

namespace fw::datapath::nfqueue {

namespace {

constexpr int kKilled = 128;  // a shell's convention for a process that a signal ended

std::string find_program(const std::string& name) {
  for (const char* folder : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"})
    if (std::string path = folder + name; ::access(path.c_str(), X_OK) == 0) return path;
  return {};
}

// A file in memory. With pipes, both sides could wait for each other.
UniqueFd memory_file(std::string_view content) {
  UniqueFd fd(::memfd_create("floodwall", MFD_CLOEXEC));
  if (fd.valid() &&
      ::pwrite(fd.get(), content.data(), content.size(), 0) != static_cast<ssize_t>(content.size()))
    return {};
  return fd;
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> part{};
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(fd, part.data(), part.size(), at);
    if (got <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
    at += got;
  }
}

}  // namespace

Result<ProgramResult> run_program(std::span<const std::string> arguments, std::string_view input) {
  const std::string path = find_program(arguments[0]);
  if (path.empty()) return fail("the program " + arguments[0] + " is not installed");
  const UniqueFd in = memory_file(input);
  const UniqueFd out = memory_file({});
  if (!in.valid() || !out.valid()) return fail_errno("make a file in memory", errno);

  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::array<char*, 1> environment{nullptr};  // messages in English
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.get(), STDERR_FILENO);
  pid_t child = 0;
  const int error =
      ::posix_spawn(&child, path.c_str(), &actions, nullptr, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail_errno("run " + path, error);

  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return fail_errno("wait for " + path, errno);
  return ProgramResult{
      .status = WIFEXITED(status) ? WEXITSTATUS(status) : kKilled + WTERMSIG(status),
      .output = read_all(out.get())};
}

}  // namespace fw::datapath::nfqueue
