#define _GNU_SOURCE
#include "connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"
#include "histogram.h"

enum { CAPTURES = 3, READ_SIZE = 1 << 20, EVENTS = 256 };

typedef struct {
    int fd;
    int step; /* of its script */
    int upgraded;
    int64_t begun;
    Text captured[CAPTURES];
    char *rest; /* received, and not a whole frame yet */
    size_t rest_length;
    size_t rest_room;
} Connection;

static const Plan *plan;
static Connection *connections;
static int epoll, started, ready;
static void (*hand_on)(int i, const Frame *frame);
static char incoming[READ_SIZE];

static void run_step(int i);

static int is_ready(int i) { return connections[i].step == plan->scripts[i].count; }

/* --- sending --- */

int transmit(int i, Text bytes) {
    int fd = connections[i].fd;
    size_t sent = 0;
    while (sent < bytes.length) {
        ssize_t count = send(fd, bytes.bytes + sent, bytes.length - sent, MSG_NOSIGNAL);
        if (count >= 0) {
            sent += (size_t)count;
        } else if (errno != EAGAIN) {
            die("connection %d: %s", i, strerror(errno));
        } else if (!sent) {
            return 0;
        } else {
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        }
    }
    return 1;
}

static void send_frame(int i, int opcode, Text payload) {
    Text frame = masked_frame(opcode, payload);
    transmit(i, frame);
    free(frame.bytes);
}

/* --- the script --- */

static int open_socket(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)plan->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) die("cannot connect: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void reopen(int i) {
    Connection *connection = &connections[i];
    int former = connection->fd;
    connection->fd = open_socket(); /* first, so that its number is another one */
    if (former) close(former);
    connection->upgraded = 0;
    connection->rest_length = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event)) die("epoll: %s", strerror(errno));
}

/* What is said, with the bytes 1, 2, 3 replaced by what was captured. */
static Text filled_in(Connection *connection, Text said) {
    Text filled = {.bytes = allocate(said.length + 256 * CAPTURES)};
    for (size_t i = 0; i < said.length; i++) {
        unsigned char byte = (unsigned char)said.bytes[i];
        if (byte >= 1 && byte <= CAPTURES) {
            Text captured = connection->captured[byte - 1];
            memcpy(filled.bytes + filled.length, captured.bytes, captured.length);
            filled.length += captured.length;
        } else {
            filled.bytes[filled.length++] = (char)byte;
        }
    }
    return filled;
}

static void next_step(int i) {
    connections[i].step++;
    if (is_ready(i)) {
        record(now_ns() - connections[i].begun);
        ready++;
    } else {
        run_step(i);
    }
}

static void run_step(int i) {
    const Step *step = &plan->scripts[i].steps[connections[i].step];
    if (step->kind == 'h' || step->kind == 'u') {
        reopen(i);
        Text said = filled_in(&connections[i], step->say);
        transmit(i, said);
        free(said.bytes);
        return;
    }
    if (step->say.length) send_frame(i, step->kind == 't' ? TEXT : BINARY, step->say);
    if (!step->expect.length) next_step(i);
}

/* Each line of what is expected precedes a value that ends with a quotation mark. */
static int capture(Connection *connection, Text patterns, const char *data, size_t length) {
    const char *pattern = patterns.bytes, *end = patterns.bytes + patterns.length;
    for (int n = 0; pattern < end; n++) {
        if (n == CAPTURES) die("more than %d values are to be captured", CAPTURES);
        const char *line_end = memchr(pattern, '\n', (size_t)(end - pattern));
        size_t size = (size_t)((line_end ? line_end : end) - pattern);
        const char *value = memmem(data, length, pattern, size);
        if (!value) return 0;
        value += size;
        const char *quote = memchr(value, '"', length - (size_t)(value - data));
        if (!quote) return 0;
        if (quote - value > 256) die("a captured value is too long");
        free(connection->captured[n].bytes);
        connection->captured[n] = (Text){allocate((size_t)(quote - value)), (size_t)(quote - value)};
        memcpy(connection->captured[n].bytes, value, (size_t)(quote - value));
        pattern += size + 1;
    }
    return 1;
}

/* How many bytes of an HTTP answer are done with. */
static size_t consume_answer(int i, const char *data, size_t length) {
    const Step *step = &plan->scripts[i].steps[connections[i].step];
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end) return 0;
    const char *status = step->kind == 'u' ? "HTTP/1.1 101" : "HTTP/1.1 200";
    if (length < 12 || memcmp(data, status, 12)) die("connection %d was refused: %.*s", i, (int)length, data);
    if (step->kind == 'h') {
        if (capture(&connections[i], step->expect, data, length)) next_step(i);
        return 0; /* the next step has a socket of its own */
    }
    connections[i].upgraded = 1;
    next_step(i);
    return (size_t)(end - data) + 4;
}

/* --- receiving --- */

static void heed(int i, const Frame *frame) {
    Text payload = {(char *)frame->payload, frame->length};
    if (frame->opcode == PING) {
        send_frame(i, PONG, payload);
    } else if (frame->opcode == CLOSE) {
        die("connection %d was closed: %.*s", i, frame->length > 2 ? (int)frame->length - 2 : 0, frame->payload + 2);
    } else if (plan->ping.length && frame->length == plan->ping.length &&
               !memcmp(frame->payload, plan->ping.bytes, frame->length)) {
        send_frame(i, TEXT, plan->pong);
    } else if (is_ready(i)) {
        if (hand_on) hand_on(i, frame);
    } else {
        Text expected = plan->scripts[i].steps[connections[i].step].expect;
        if (memmem(frame->payload, frame->length, expected.bytes, expected.length)) next_step(i);
    }
}

/* How many of these bytes are done with. */
static size_t consume(int i, const char *data, size_t length) {
    Frame frame;
    size_t used = 0, size;
    if (!connections[i].upgraded) {
        used = consume_answer(i, data, length);
        if (!used) return 0;
    }
    while ((size = parse_frame(data + used, length - used, &frame))) {
        heed(i, &frame);
        used += size;
    }
    return used;
}

static void keep_rest(Connection *connection, const char *data, size_t length) {
    if (length > connection->rest_room) {
        connection->rest_room = length * 2;
        connection->rest = realloc(connection->rest, connection->rest_room);
        if (!connection->rest) die("out of memory");
    }
    memmove(connection->rest, data, length);
    connection->rest_length = length;
}

static void on_readable(int i) {
    Connection *connection = &connections[i];
    int fd = connection->fd;
    size_t held = connection->rest_length;
    if (held > READ_SIZE / 2) die("connection %d: a message is too long", i);
    memcpy(incoming, connection->rest, held);
    ssize_t count = recv(fd, incoming + held, READ_SIZE - held, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) die("connection %d was cut off after: %.*s", i, (int)held, incoming);
    size_t length = held + (size_t)count;
    size_t used = consume(i, incoming, length);
    if (connection->fd == fd) keep_rest(connection, incoming + used, length - used);
}

void receive(int64_t until, void (*on_frame)(int i, const Frame *frame)) {
    struct epoll_event events[EVENTS];
    int64_t left = until - now_ns();
    if (left < 0) left = 0;
    struct timespec timeout = {left / 1000000000, left % 1000000000};
    hand_on = on_frame;
    int count = epoll_pwait2(epoll, events, EVENTS, &timeout, NULL);
    for (int n = 0; n < count; n++) on_readable((int)events[n].data.u32);
}

void open_connections(const Plan *given) {
    plan = given;
    epoll = epoll_create1(0);
    connections = allocate(sizeof(Connection) * (size_t)plan->connections);
}

void connect_first(int wanted) {
    while (ready < wanted) {
        while (started < wanted && started - ready < plan->connecting_at_once) {
            connections[started].begun = now_ns();
            run_step(started++);
        }
        int before = ready;
        int64_t until = now_ns() + 30000000000LL;
        while (ready == before && now_ns() < until) receive(until, NULL);
        if (ready == before) die("after 30 s nobody else is connected (%d of %d are)", ready, wanted);
    }
}
