/* The floor: what relaying costs when nothing else is done. One thread, one epoll, one write for each member.

   It checks no token, reads no JSON, keeps no order for slow readers (it gives up on them), and answers the one
   WebSocket key that the load uses. `floor PORT`; a path /room-N is a room. What it hears it says to the whole room, but
   a text with "place" in it to its sender alone. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS = 20000, ROOMS = 4096, BUFFER = 16384, EVENTS = 256 };

static const char WELCOME[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

typedef struct {
    int *members;
    int count, space;
} Room;

typedef struct {
    int room; /* -1: not upgraded yet */
    size_t held;
    uint8_t *buffer;
} Member;

static Room rooms[ROOMS];
static Member members[SOCKETS];

static const char NOT_FOUND[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

static void give_up(const char *why) {
    perror(why);
    exit(1);
}

static void send_all(int fd, const void *bytes, size_t length) {
    if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) give_up("send");
}

static void leave(int fd) {
    Member *member = &members[fd];
    if (member->room >= 0) {
        Room *room = &rooms[member->room];
        for (int i = 0; i < room->count; i++)
            if (room->members[i] == fd) room->members[i] = room->members[--room->count];
    }
    close(fd);
}

static void enter(int fd, int number) {
    if (number < 0 || number >= ROOMS) give_up("room");
    Room *room = &rooms[number];
    if (room->count == room->space) {
        room->space = room->space ? room->space * 2 : 16;
        room->members = realloc(room->members, sizeof(int) * (size_t)room->space);
    }
    room->members[room->count++] = fd;
    members[fd].room = number;
    send_all(fd, WELCOME, sizeof WELCOME - 1);
}

/* The same payload in a frame of the server's; at most 64 KiB. */
static size_t frame_for(uint8_t *frame, uint8_t first, const uint8_t *payload, size_t length) {
    size_t header = length < 126 ? 2 : 4;
    frame[0] = first;
    frame[1] = (uint8_t)(length < 126 ? length : 126);
    if (length >= 126) {
        frame[2] = (uint8_t)(length >> 8);
        frame[3] = (uint8_t)length;
    }
    memcpy(frame + header, payload, length);
    return header + length;
}

static void hear(int fd, uint8_t first, uint8_t *payload, size_t length) {
    static uint8_t frame[BUFFER + 4];
    size_t size = frame_for(frame, first, payload, length);
    if (memmem(payload, length, "\"place\"", 7)) {
        send_all(fd, frame, size);
        return;
    }
    Room *room = &rooms[members[fd].room];
    for (int i = 0; i < room->count; i++) send_all(room->members[i], frame, size);
}

/* How many bytes of a masked frame, or of the handshake, are done with. */
static size_t consume(int fd, uint8_t *data, size_t length) {
    if (members[fd].room < 0) {
        uint8_t *end = memmem(data, length, "\r\n\r\n", 4);
        int number;
        if (!end) return 0;
        if (sscanf((char *)data, "GET /room-%d", &number) == 1) enter(fd, number);
        else send_all(fd, NOT_FOUND, sizeof NOT_FOUND - 1);
        return (size_t)(end - data) + 4;
    }
    if (length < 8) return 0;
    size_t payload = data[1] & 0x7f, header = 6;
    if (payload == 126) {
        payload = (size_t)data[2] << 8 | data[3];
        header = 8;
    }
    if (length < header + payload) return 0;
    for (size_t i = 0; i < payload; i++) data[header + i] ^= data[header - 4 + (i & 3)];
    if ((data[0] & 0x0f) <= 2) hear(fd, data[0], data + header, payload);
    return header + payload;
}

static void on_readable(int fd) {
    Member *member = &members[fd];
    ssize_t count = recv(fd, member->buffer + member->held, BUFFER - member->held, 0);
    if (count <= 0) {
        leave(fd);
        return;
    }
    size_t length = member->held + (size_t)count, used = 0, size;
    while ((size = consume(fd, member->buffer + used, length - used))) used += size;
    member->held = length - used;
    memmove(member->buffer, member->buffer + used, member->held);
}

static void welcome(int epoll, int listening) {
    int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK), yes = 1;
    if (fd < 0 || fd >= SOCKETS) give_up("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    uint8_t *buffer = members[fd].buffer ? members[fd].buffer : malloc(BUFFER);
    members[fd] = (Member){.room = -1, .buffer = buffer};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int listen_at(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listening = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listening, (struct sockaddr *)&address, sizeof address) || listen(listening, 2048)) give_up("listen");
    return listening;
}

int main(int count, char **arguments) {
    if (count != 2) give_up("floor PORT");
    struct rlimit files = {SOCKETS, SOCKETS};
    setrlimit(RLIMIT_NOFILE, &files);
    int listening = listen_at(atoi(arguments[1])), epoll = epoll_create1(0);
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.fd = listening};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listening) welcome(epoll, listening);
            else on_readable(events[i].data.fd);
        }
    }
}
