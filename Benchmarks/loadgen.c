// Load and provider for the benchmarks, where wrk and nginx cannot play the part. One thread, epoll, loopback only.
//
//   loadgen source PORT                                    a provider that streams; the model's name says how:
//                                                          chunks=N bytes=N us=N (pause between chunks), hold, silent
//   loadgen streams PORT PATH KEY MODEL COUNT [hold]       COUNT streams at once, read to the end; or held open until stdin ends
//   loadgen rate PORT PATH KEY BODYFILE RATE SECONDS N     open loop: one call each 1/RATE s over at most N connections;
//                                                          latency counts from when the call was due, not from when it was sent
//   loadgen gone PORT PATH KEY MODEL SOURCEPORT COUNT      its own provider on SOURCEPORT; opens COUNT calls, leaves one after
//                                                          the other, and tells how long until the provider's connection closed
// Each prints one line of JSON on stdout.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum kind { LISTENER, SOURCE, READER, CALLER, STDIN };
enum { REQUEST_MAX = 32768, STREAMS_MAX = 65536 };

struct conn {
    enum kind kind;
    int fd;
    int open;                // READER: the first event has come
    int finished;
    char head[16];           // READER: how the answer begins
    unsigned head_length;
    char tail[8];            // the last bytes seen, to find the end of a chunked body
    char last;               // the last byte seen, to count blank lines
    long events;
    uint64_t due, left_at;   // SOURCE: next chunk; CALLER: when the call was due; READER: when we left
    long chunks, id;
    int chunk_bytes, hold;
    uint64_t pause;
    int busy;                // CALLER
    unsigned length;         // bytes in `data`
    char *data;
};

static int poller;
static struct conn *heap[STREAMS_MAX];   // sources by the time their next chunk is due
static int heap_count;
static long opened, finished, errors, events, bytes_read;
static char scratch[1 << 18], request[REQUEST_MAX];
static int request_length, target_port;
static uint64_t *latencies;
static long latency_count;
static struct conn **left_conns;         // gone: by id
static long left_count, closed_count;

static void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct conn *watch(int fd, enum kind kind) {
    struct conn *c = calloc(1, sizeof *c);
    if (!c) die("out of memory");
    c->fd = fd;
    c->kind = kind;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl: %s", strerror(errno));
    return c;
}

static void drop(struct conn *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static void listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in a = loopback(port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 4096)) die("port %d: %s", port, strerror(errno));
    watch(fd, LISTENER);
}

// Connecting on loopback is immediate: the kernel of the same machine answers.
static struct conn *dial(enum kind kind) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in a = loopback(target_port);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a)) die("port %d: %s", target_port, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return watch(fd, kind);
}

static int send_all(struct conn *c, const char *data, size_t length) {
    ssize_t sent = send(c->fd, data, length, MSG_NOSIGNAL);
    // The chunks are small and the buffers empty: a short write means that somebody does not read, and is an error here.
    return sent == (ssize_t)length ? 0 : -1;
}

// --- The provider ----------------------------------------------------------------------------------------------------

static void heap_push(struct conn *c) {
    if (heap_count == STREAMS_MAX) die("too many streams");
    int i = heap_count++;
    while (i && heap[(i - 1) / 2]->due > c->due) heap[i] = heap[(i - 1) / 2], i = (i - 1) / 2;
    heap[i] = c;
}

static struct conn *heap_pop(void) {
    struct conn *top = heap[0], *moved = heap[--heap_count];
    int i = 0, child;
    while ((child = 2 * i + 1) < heap_count) {
        if (child + 1 < heap_count && heap[child + 1]->due < heap[child]->due) child++;
        if (moved->due <= heap[child]->due) break;
        heap[i] = heap[child], i = child;
    }
    heap[i] = moved;
    return top;
}

static long parameter(const char *text, const char *name, long otherwise) {
    const char *found = strstr(text, name);
    return found ? atol(found + strlen(name)) : otherwise;
}

static int send_event(struct conn *c) {
    static const char front[] = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1741569952,"
                                "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"";
    static const char back[] = "\"},\"finish_reason\":null}]}\n\n";
    char event[4096], chunk[4200];
    int fill = c->chunk_bytes - (int)(sizeof front + sizeof back) + 2;
    fill = fill < 1 ? 1 : fill > 2048 ? 2048 : fill;
    int n = (int)sizeof front - 1;
    memcpy(event, front, sizeof front - 1);
    memset(event + n, 'x', (size_t)fill);
    n += fill;
    memcpy(event + n, back, sizeof back - 1);
    n += (int)sizeof back - 1;
    int m = snprintf(chunk, sizeof chunk, "%x\r\n%.*s\r\n", n, n, event);
    return send_all(c, chunk, (size_t)m);
}

static void source_end(struct conn *c) {
    if (left_conns && c->id >= 0 && left_conns[c->id] && left_conns[c->id]->left_at) {
        latencies[latency_count++] = now_ns() - left_conns[c->id]->left_at;
        closed_count++;
    }
    drop(c);
    if (!c->due) free(c->data), free(c);  // Otherwise it is in the heap, and goes when it is popped.
}

static void source_answer(struct conn *c, const char *body) {
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    c->chunks = parameter(body, "chunks=", 10);
    c->chunk_bytes = (int)parameter(body, "bytes=", 180);
    c->pause = (uint64_t)parameter(body, "us=", 10000) * 1000;
    c->hold = strstr(body, "hold") != NULL;
    c->id = parameter(body, "id=", -1);
    c->length = 0;
    if (strstr(body, "silent")) return;
    if (send_all(c, head, sizeof head - 1)) return source_end(c);
    c->due = now_ns();
    heap_push(c);
}

static void source_read(struct conn *c) {
    if (!c->data) c->data = malloc(REQUEST_MAX + 1);
    ssize_t n = recv(c->fd, c->data + c->length, REQUEST_MAX - c->length, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return source_end(c);
    c->length += (unsigned)n;
    c->data[c->length] = 0;
    char *body = strstr(c->data, "\r\n\r\n");
    if (!body) {
        if (c->length == REQUEST_MAX) die("request head too long");
        return;
    }
    body += 4;
    char *field = strcasestr(c->data, "\ncontent-length:");
    unsigned need = field && field < body ? (unsigned)atol(field + 16) : 0;
    if (!need && strncmp(c->data, "POST", 4) == 0) die("the source reads bodies with a content-length only:\n%s", c->data);
    if (c->length < (unsigned)(body - c->data) + need) return;
    if (need) return source_answer(c, body);
    c->length = 0;
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    if (send_all(c, ok, sizeof ok - 1)) source_end(c);
}

static void source_due(struct conn *c) {
    uint64_t due = c->due;
    c->due = 0;
    if (c->fd < 0) {
        free(c->data), free(c);
        return;
    }
    if (c->chunks > 0) {
        if (send_event(c)) return source_end(c);
        c->chunks--;
        if (c->chunks == 0 && c->hold) return;
        c->due = due + c->pause;
        return heap_push(c);
    }
    static const char end[] = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
    if (send_all(c, end, sizeof end - 1)) source_end(c);
}

// --- The clients -----------------------------------------------------------------------------------------------------

static void make_request(const char *path, const char *key, const char *body) {
    request_length = snprintf(request, sizeof request,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
        "Content-Length: %zu\r\n\r\n%s", path, target_port, key, strlen(body), body);
    if (request_length >= (int)sizeof request) die("request too long");
}

static void make_stream_request(const char *path, const char *key, const char *model, long id) {
    char body[1024];
    snprintf(body, sizeof body, "{\"model\":\"%s&id=%ld\",\"stream\":true,\"max_tokens\":4096,\"messages\":[{\"role\":\"user\",\"content\":\"go\"}]}", model, id);
    make_request(path, key, body);
}

static void reader_end(struct conn *c, int bad) {
    if (bad) {
        if (!errors++) fprintf(stderr, "first stream that failed: %.15s, %ld events, %s\n", c->head, c->events, strerror(errno));
        if (!c->open) opened++;  // It will not open any more; whoever waits must not wait for it.
    }
    c->finished = 1;
    finished++;
    drop(c);
}

static void reader_read(struct conn *c) {
    ssize_t n = recv(c->fd, scratch, sizeof scratch, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return reader_end(c, 1);
    bytes_read += n;
    for (ssize_t i = 0; i < n && c->head_length < 15; i++) c->head[c->head_length++] = scratch[i];
    if (c->head_length >= 12 && memcmp(c->head, "HTTP/1.1 200", 12)) {
        errno = 0;
        fprintf(stderr, "%.*s\n", (int)(n > 600 ? 600 : n), scratch);
        return reader_end(c, 1);
    }
    long before = c->events;
    for (ssize_t i = 0; i < n; i++) {
        if (scratch[i] == '\n' && c->last == '\n') c->events++;
        c->last = scratch[i];
    }
    events += c->events - before;
    if (!c->open && c->events) c->open = 1, opened++;
    size_t kept = n < 7 ? (size_t)n : 7;
    memmove(c->tail, c->tail + kept, 7 - kept);
    memcpy(c->tail + 7 - kept, scratch + n - kept, kept);
    if (memcmp(c->tail, "\r\n0\r\n\r\n", 7) == 0) reader_end(c, 0);
}

static int answer_is_whole(struct conn *c) {
    char *body = memmem(c->data, c->length, "\r\n\r\n", 4);
    if (!body) return 0;
    body += 4;
    char saved = *body;
    *body = 0;
    char *field = strcasestr(c->data, "\ncontent-length:");
    long need = field ? atol(field + 16) : -1;
    *body = saved;
    if (need >= 0) return c->length >= (unsigned)(body - c->data) + (unsigned)need;
    return c->length >= 7 && memcmp(c->data + c->length - 7, "\r\n0\r\n\r\n", 7) == 0;
}

static void caller_read(struct conn *c) {
    ssize_t n = recv(c->fd, c->data + c->length, 16384 - c->length, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) die("a connection was closed under a call");
    c->length += (unsigned)n;
    if (!answer_is_whole(c)) return;
    if (memcmp(c->data, "HTTP/1.1 200", 12)) errors++;
    latencies[latency_count++] = now_ns() - c->due;
    c->length = 0;
    c->busy = 0;
}

// --- The loop --------------------------------------------------------------------------------------------------------

static int stdin_ended;

static void turn(uint64_t until) {
    struct epoll_event ready[512];
    uint64_t now = now_ns(), wake = heap_count && heap[0]->due < until ? heap[0]->due : until;
    uint64_t wait = wake > now ? wake - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(wait / 1000000000u), .tv_nsec = (long)(wait % 1000000000u)};
    int count = epoll_pwait2(poller, ready, 512, &timeout, NULL);
    for (int i = 0; i < count; i++) {
        struct conn *c = ready[i].data.ptr;
        if (c->kind == LISTENER) {
            int fd, one = 1;
            while ((fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                watch(fd, SOURCE)->id = -1;
            }
        } else if (c->fd < 0) {
            continue;
        } else if (c->kind == SOURCE) {
            source_read(c);
        } else if (c->kind == READER) {
            reader_read(c);
        } else if (c->kind == CALLER) {
            caller_read(c);
        } else if (read(0, scratch, sizeof scratch) <= 0) {
            stdin_ended = 1;
            epoll_ctl(poller, EPOLL_CTL_DEL, 0, NULL);
        }
    }
    now = now_ns();
    while (heap_count && heap[0]->due <= now) source_due(heap_pop());
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void print_latencies(const char *more) {
    qsort(latencies, (size_t)latency_count, sizeof *latencies, by_size);
    #define AT(share) (latency_count ? (double)latencies[(long)((double)(latency_count - 1) * (share))] / 1000 : 0)
    printf("{\"count\": %ld, \"errors\": %ld, \"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f%s}\n",
        latency_count, errors, AT(0.5), AT(0.9), AT(0.99), AT(1.0), more);
}

static void run_streams(char **a, int hold) {
    long count = atol(a[3]);
    for (long id = 0; id < count; id++) {
        while (id - opened >= 256) turn(now_ns() + 1000000);  // Not all at once: the accept queue has an end.
        make_stream_request(a[0], a[1], a[2], id);
        if (send_all(dial(READER), request, (size_t)request_length)) die("send: %s", strerror(errno));
    }
    uint64_t deadline = now_ns() + 60000000000u;
    while (opened < count && now_ns() < deadline) turn(now_ns() + 10000000);
    if (hold) {
        printf("{\"open\": %ld, \"errors\": %ld}\n", opened - errors, errors + count - opened);
        fflush(stdout);
        watch(0, STDIN);
        while (!stdin_ended) turn(now_ns() + 100000000);
        printf("{\"open\": %ld, \"errors\": %ld, \"events\": %ld}\n", count - finished, errors, events);
    } else {
        while (finished < count) turn(now_ns() + 10000000);
        printf("{\"streams\": %ld, \"errors\": %ld, \"events\": %ld, \"bytes\": %ld}\n", count, errors, events, bytes_read);
    }
}

static void run_rate(char **a) {
    static char body[4096];
    FILE *file = fopen(a[2], "rb");
    if (!file) die("%s: %s", a[2], strerror(errno));
    body[fread(body, 1, sizeof body - 1, file)] = 0;
    make_request(a[0], a[1], body);
    double rate = atof(a[3]);
    long calls = (long)(rate * atof(a[4])), connections = atol(a[5]), sent = 0, late = 0;
    struct conn **pool = calloc((size_t)connections, sizeof *pool);
    latencies = calloc((size_t)calls + 1, sizeof *latencies);
    for (long i = 0; i < connections; i++) pool[i] = dial(CALLER), pool[i]->data = malloc(16385);
    uint64_t start = now_ns() + 10000000, due = start;
    long next = 0;
    while (latency_count < calls) {
        uint64_t now = now_ns();
        if (now > start + (uint64_t)(atof(a[4]) * 1e9) + 10000000000u) die("%ld of %ld calls never ended", calls - latency_count, calls);
        while (sent < calls && due <= now) {
            struct conn *c = NULL;
            for (long i = 0; i < connections && !c; i++, next = (next + 1) % connections) if (!pool[next]->busy) c = pool[next];
            if (!c) { late++; break; }  // It stays due, and its waiting counts.
            c->busy = 1;
            c->due = due;
            if (send_all(c, request, (size_t)request_length)) die("send: %s", strerror(errno));
            sent++;
            due = start + (uint64_t)((double)sent * 1e9 / rate);
        }
        turn(sent < calls && due > now ? due : now + 1000000);
    }
    char more[64];
    snprintf(more, sizeof more, ", \"late\": %ld", late);
    print_latencies(more);
}

static void run_gone(char **a) {
    long count = atol(a[4]);
    int silent = strstr(a[2], "silent") != NULL;
    listen_on(atoi(a[3]));
    left_conns = calloc((size_t)count, sizeof *left_conns);
    latencies = calloc((size_t)count + 1, sizeof *latencies);
    for (long id = 0; id < count; id++) {
        make_stream_request(a[0], a[1], a[2], id);
        left_conns[id] = dial(READER);
        if (send_all(left_conns[id], request, (size_t)request_length)) die("send: %s", strerror(errno));
        turn(now_ns() + 1000000);
    }
    uint64_t settle = now_ns() + (silent ? 1000000000u : 60000000000u);
    while ((silent || opened < count) && now_ns() < settle) turn(now_ns() + 10000000);
    for (long id = 0; id < count; id++) {
        struct conn *c = left_conns[id];
        if (c->fd < 0) continue;
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        if (id % 2) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);  // Half leave with FIN, half with RST.
        c->left_at = now_ns();
        left_count++;
        drop(c);
        uint64_t next = c->left_at + 3000000;
        while (now_ns() < next) turn(next);
    }
    uint64_t deadline = now_ns() + 5000000000u;
    while (closed_count < left_count && now_ns() < deadline) turn(now_ns() + 10000000);
    char more[64];
    snprintf(more, sizeof more, ", \"left\": %ld, \"never_closed\": %ld", left_count, left_count - closed_count);
    print_latencies(more);
}

int main(int n, char **a) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    poller = epoll_create1(0);
    const char *mode = n > 2 ? a[1] : "";
    if (n > 2) target_port = atoi(a[2]);
    if (!strcmp(mode, "source") && n == 3) {
        listen_on(target_port);
        for (;;) turn(now_ns() + 1000000000u);
    } else if (!strcmp(mode, "streams") && n >= 7) run_streams(a + 3, n == 8 && !strcmp(a[7], "hold"));
    else if (!strcmp(mode, "rate") && n == 9) run_rate(a + 3);
    else if (!strcmp(mode, "gone") && n == 8) run_gone(a + 3);
    else die("see the top of loadgen.c");
}
