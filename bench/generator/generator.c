/* The load: one process, one thread, one epoll. Reads a plan (plan.h), prints what happened as one JSON object.

   Messages carry a mark, `~~` and eight hexadecimal digits, wherever a contender puts what it was given; a frame
   with a mark is an arrival of that message. Nothing else of any dialect is known here. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common.h"
#include "connections.h"
#include "frames.h"
#include "histogram.h"
#include "plan.h"

enum { DIGITS = 8, MARK = 2 + DIGITS, TABLE = 1 << 20 };
static const int64_t MS = 1000000, DRAIN = 3000000000LL;

typedef struct {
    int64_t sent; /* in an open loop: when it was due */
    uint32_t serial;
    int sender;
    int left; /* arrivals still to come */
} Message;

static Plan plan;
static Text frame;       /* the message of the plan as a frame, its mark rewritten for each */
static size_t mark_at;   /* where in the payload */
static size_t usual_at;  /* where the mark was in the last arrival */
static Message messages[TABLE];
static uint32_t serials;
static int closed_loop, sending = 1;
static int64_t begin, end; /* of what is measured */
static long long sent, withheld, done, arrived, pending;

/* --- marks --- */

static void write_mark(uint32_t serial) {
    char digits[DIGITS + 1];
    snprintf(digits, sizeof digits, "%08x", serial);
    char *payload = frame.bytes + payload_offset(plan.message.length);
    for (size_t i = 0; i < DIGITS; i++) {
        size_t at = mark_at + 2 + i;
        payload[at] = (char)(digits[i] ^ mask_at(at));
    }
}

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* The message that this frame brings, or NULL. */
static Message *find_message(const Frame *received) {
    const char *mark = received->payload + usual_at;
    if (usual_at + MARK > received->length || mark[0] != '~' || mark[1] != '~') {
        mark = memmem(received->payload, received->length, "~~", 2);
        if (!mark || mark + MARK > received->payload + received->length) return NULL;
        usual_at = (size_t)(mark - received->payload);
    }
    uint32_t serial = 0;
    for (int i = 2; i < MARK; i++) serial = serial << 4 | (uint32_t)digit(mark[i]);
    Message *message = &messages[serial % TABLE];
    return message->serial == serial && message->left ? message : NULL;
}

/* --- sending and arriving --- */

static void send_message(int sender, int64_t when) {
    uint32_t serial = ++serials;
    Message *message = &messages[serial % TABLE];
    write_mark(serial);
    *message = (Message){.sent = when, .serial = serial, .sender = sender, .left = plan.arrivals};
    if (!transmit(sender, frame)) {
        message->left = 0;
        withheld++;
        return;
    }
    pending++;
    if (when >= begin) sent++;
}

static void on_arrival(int i, const Frame *received) {
    (void)i;
    Message *message = find_message(received);
    if (!message) return;
    int64_t now = now_ns();
    if (now >= begin && now < end) arrived++;
    if (message->sent >= begin && message->sent < end) record(now - message->sent);
    if (--message->left) return;
    pending--;
    if (now >= begin && now < end) done++;
    if (closed_loop && sending) send_message(message->sender, now);
}

/* --- the two loops --- */

static int sender_number(int n) { return n / plan.senders * plan.members + n % plan.senders; }

static int total_senders(void) { return plan.connections / plan.members * plan.senders; }

static void run_closed_loop(int64_t until) {
    static int primed;
    int64_t now = now_ns();
    if (!primed++)
        for (int n = 0; n < total_senders() * plan.in_flight; n++) send_message(sender_number(n / plan.in_flight), now);
    while (now_ns() < until) receive(until, on_arrival);
}

typedef struct {
    int64_t phase;
    int connection;
} Turn;

static int by_phase(const void *a, const void *b) {
    int64_t left = ((const Turn *)a)->phase, right = ((const Turn *)b)->phase;
    return (left > right) - (left < right);
}

/* Everybody's clock ticks with the same period; the phases are drawn by lot, the same in every run. */
static Turn *draw_turns(int count) {
    Turn *turns = allocate(sizeof(Turn) * (size_t)count);
    srandom(1);
    for (int n = 0; n < count; n++)
        turns[n] = (Turn){(int64_t)((double)random() / RAND_MAX * (double)(plan.period_ns - 1)), sender_number(n)};
    qsort(turns, (size_t)count, sizeof(Turn), by_phase);
    return turns;
}

static void run_open_loop(int64_t until) {
    static Turn *turns;
    static int64_t origin;
    static long long next;
    int count = total_senders();
    if (!turns) {
        turns = draw_turns(count);
        origin = now_ns();
    }
    for (;;) {
        Turn turn = turns[next % count];
        int64_t due = origin + next / count * plan.period_ns + turn.phase;
        if (due >= until) break;
        if (now_ns() >= due) {
            send_message(turn.connection, due);
            next++;
            if (next % 16) continue; /* one that is late may not forget to listen */
        }
        receive(due, on_arrival);
    }
    while (now_ns() < until) receive(until, on_arrival);
}

static void run_until(int64_t until) {
    if (closed_loop) run_closed_loop(until);
    else run_open_loop(until);
}

static void drain(void) {
    sending = 0;
    int64_t until = now_ns() + DRAIN;
    while (pending && now_ns() < until) receive(until, on_arrival);
}

/* --- what is measured --- */

typedef struct {
    int64_t at, server_cpu, own_cpu;
} Reading;

static Reading take_reading(void) { return (Reading){now_ns(), cpu_ns_of(plan.server_pid), cpu_ns_of(getpid())}; }

static void settle(void) {
    int64_t until = now_ns() + plan.settle_ms * MS;
    while (now_ns() < until) receive(until, NULL);
}

static void prepare_messages(void) {
    frame = masked_frame(plan.binary ? BINARY : TEXT, plan.message);
    const char *mark = memmem(plan.message.bytes, plan.message.length, "~~", 2);
    if (!mark) die("the message has no mark");
    mark_at = (size_t)(mark - plan.message.bytes);
    closed_loop = !plan.period_ns;
}

static void print_results(Reading from, Reading to, long rss_before) {
    printf("{\"seconds\":%.6f,\"server_cpu\":%.6f,\"own_cpu\":%.6f,", (double)(to.at - from.at) / 1e9,
           (double)(to.server_cpu - from.server_cpu) / 1e9, (double)(to.own_cpu - from.own_cpu) / 1e9);
    printf("\"connections\":%d,\"sent\":%lld,\"withheld\":%lld,\"messages\":%lld,\"deliveries\":%lld,\"unfinished\":%lld,",
           plan.connections - plan.warmup_connections, sent, withheld, done, arrived, pending);
    printf("\"rss_kb_before\":%ld,\"rss_kb\":%ld,\"latencies\":", rss_before, rss_kb_of(plan.server_pid));
    print_histogram();
    printf("}\n");
}

int main(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prctl(PR_SET_TIMERSLACK, 1000);
    plan = read_plan();
    open_connections(&plan);
    connect_first(plan.warmup_connections);
    forget_records();
    long rss_before = rss_kb_of(plan.server_pid);
    Reading from = take_reading();
    connect_first(plan.connections);
    Reading to = take_reading();
    settle();
    if (plan.streaming) {
        forget_records();
        prepare_messages();
        begin = now_ns() + plan.warmup_ms * MS;
        end = begin + plan.measure_ms * MS;
        run_until(begin);
        from = take_reading();
        run_until(end);
        to = take_reading();
        drain();
    }
    print_results(from, to, rss_before);
    return 0;
}
