#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>

// prctl takes a variable number of arguments, which Swift cannot call.

/// Takes core dumps, ptrace and /proc/<pid>/mem by others of the same user from this process; 0 if done.
static inline int tp_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/// 0 if this process leaves no dumps, 1 or 2 if it may, -1 if the kernel does not say.
static inline int tp_is_dumpable(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }

/// Sets the largest core file to zero bytes, for this process and its children; 0 if done.
static inline int tp_forbid_core_files(void) {
    struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none);
}

/// The largest core file in bytes; the hard limit, which no later call can raise without privilege.
static inline unsigned long long tp_core_file_limit(void) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    if (getrlimit(RLIMIT_CORE, &limit) != 0) return RLIM_INFINITY;
    return limit.rlim_max;
}
