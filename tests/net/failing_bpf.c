/* SPDX-License-Identifier: MIT */
/* Preloaded into floodwalld: makes bpf(2) fail. libbpf makes the call through libc's syscall().
 * What is to fail is in a file that is shared with the test and with child processes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct plan {                      /* test_faults.py writes the same */
  unsigned long long calls;        /* so far */
  unsigned long long first;        /* number of the call that fails, from 1; 0: none */
  unsigned long long span_ns;      /* and all calls within so long; 0: that one only */
  unsigned long long until_ns;     /* when they began to fail, plus the span */
  unsigned long long error_number; /* errno */
  unsigned long long failed;       /* how many did */
};

static struct plan* plan(void) {
  static struct plan* shared;
  const char* path = getenv("FAILING_BPF");
  int fd;

  if (shared || !path) return shared;
  fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) abort();
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (shared == MAP_FAILED) abort();
  return shared;
}

static unsigned long long now_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static int fails(struct plan* p) {
  unsigned long long call = __atomic_add_fetch(&p->calls, 1, __ATOMIC_SEQ_CST);

  if (!p->first || call < p->first) return 0;
  if (!p->span_ns) return call == p->first;
  if (!p->until_ns) p->until_ns = now_ns() + p->span_ns;
  return now_ns() < p->until_ns;
}

long syscall(long number, ...) {
  static long (*next)(long, ...);
  long a[6];
  va_list list;

  va_start(list, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  if (!next) next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  if (number == __NR_bpf && plan() && fails(plan())) {
    __atomic_add_fetch(&plan()->failed, 1, __ATOMIC_SEQ_CST);
    errno = (int)plan()->error_number;
    return -1;
  }
  return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
