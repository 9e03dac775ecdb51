// Preloaded into a process, kills it at its n-th call that changes a file, counted over all of its threads, before the
// call is made. Which it is to be stands in a file that both the process and the test map, named by FATAL_WRITE:
//   int64 countdown   0: no call is counted; n: the n-th from now is the last
//   int64 died_at     CLOCK_MONOTONIC in nanoseconds
//   char  call[48]    the name of the call
//   int64 names_only  1: only calls that make, rename or delete files count, and those that take room for them
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control { _Atomic int64_t countdown, died_at; char call[48]; _Atomic int64_t names_only; };

static struct control *control;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FATAL_WRITE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory != MAP_FAILED) control = memory;
    close(file);
}

static void count(const char *call, int is_name) {
    if (!control || (!is_name && atomic_load(&control->names_only))) return;
    int64_t left = atomic_load(&control->countdown);
    do {
        if (left <= 0) return;
    } while (!atomic_compare_exchange_weak(&control->countdown, &left, left - 1));
    if (left > 1) return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    strncpy(control->call, call, sizeof control->call - 1);
    atomic_store(&control->died_at, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

#define FATAL(is_name, result, name, parameters, arguments)                      \
    result name parameters {                                            \
        static result (*next) parameters;                               \
        if (!next) next = (result (*) parameters) dlsym(RTLD_NEXT, #name); \
        count(#name, is_name);                                                   \
        return next arguments;                                          \
    }

FATAL(0, ssize_t, pwrite, (int f, const void *b, size_t n, off_t o), (f, b, n, o))
FATAL(0, ssize_t, pwrite64, (int f, const void *b, size_t n, off64_t o), (f, b, n, o))
FATAL(0, ssize_t, pwritev, (int f, const struct iovec *v, int n, off_t o), (f, v, n, o))
FATAL(0, ssize_t, pwritev64, (int f, const struct iovec *v, int n, off64_t o), (f, v, n, o))
FATAL(0, int, fsync, (int f), (f))
FATAL(0, int, fdatasync, (int f), (f))
FATAL(0, int, ftruncate, (int f, off_t n), (f, n))
FATAL(0, int, ftruncate64, (int f, off64_t n), (f, n))
FATAL(1, int, fallocate, (int f, int m, off_t o, off_t n), (f, m, o, n))
FATAL(1, int, fallocate64, (int f, int m, off64_t o, off64_t n), (f, m, o, n))
FATAL(1, int, posix_fallocate, (int f, off_t o, off_t n), (f, o, n))
FATAL(1, int, rename, (const char *a, const char *b), (a, b))
FATAL(1, int, renameat, (int d, const char *a, int e, const char *b), (d, a, e, b))
FATAL(1, int, renameat2, (int d, const char *a, int e, const char *b, unsigned f), (d, a, e, b, f))
FATAL(1, int, link, (const char *a, const char *b), (a, b))
FATAL(1, int, unlink, (const char *a), (a))
FATAL(1, int, unlinkat, (int d, const char *a, int f), (d, a, f))
FATAL(1, int, rmdir, (const char *a), (a))
FATAL(1, int, mkdir, (const char *a, mode_t m), (a, m))
