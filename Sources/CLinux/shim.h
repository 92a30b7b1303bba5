#pragma once
// What Glibc's Swift module leaves out: epoll, eventfd, and calls that need feature macros.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

extern int accept4(int, struct sockaddr *, socklen_t *, int);

static inline int clinux_errno(void) { return errno; }

static inline int clinux_accept(int listener, struct sockaddr_storage *address, socklen_t *length) {
    return accept4(listener, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static inline uint64_t clinux_monotonic_nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// The cores this process may run on (its affinity mask), at least 1.
static inline int clinux_available_cores(void) {
    unsigned char mask[128];
    long size = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    int cores = 0;
    for (long i = 0; i < size; i++) cores += __builtin_popcount(mask[i]);
    return cores > 0 ? cores : 1;
}

static inline void clinux_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

// Signals as events: the handler writes to an eventfd, which is all that a handler may safely do.
static int clinux_signal_descriptor = -1;

static void clinux_signal_handler(int signal) {
    (void)signal;
    int code = errno;
    uint64_t one = 1;
    if (write(clinux_signal_descriptor, &one, sizeof one) < 0) { /* full: it is readable already */ }
    errno = code;
}

// Ends what clinux_signal_to began, if `descriptor` is still the one: its number may be used again.
static inline void clinux_signal_end(int descriptor) {
    if (clinux_signal_descriptor != descriptor) return;
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    clinux_signal_descriptor = -1;
}

static inline void clinux_signal_to(int descriptor, int number) {
    struct sigaction action = {0};
    clinux_signal_descriptor = descriptor;
    action.sa_handler = clinux_signal_handler;
    action.sa_flags = SA_RESTART;
    sigaction(number, &action, 0);
}

// Undoes the above, unless another descriptor has taken the signals over.
static inline void clinux_signal_default(int descriptor, int number) {
    if (clinux_signal_descriptor == descriptor) signal(number, SIG_DFL);
}
