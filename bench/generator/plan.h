/* What the generator is to do: read from standard input, written by bench/plan.py, which explains every field. */
#pragma once
#include <stddef.h>

typedef struct {
    char *bytes;
    size_t length;
} Text;

/* `kind`: 'h' a call over HTTP, 'u' the upgrade to a WebSocket, 't' and 'b' a text or binary frame (or none, if
   there is nothing to say). A step is done when what is expected has come. */
typedef struct {
    char kind;
    Text say;
    Text expect;
} Step;

typedef struct {
    int count;
    Step *steps;
} Script;

typedef struct {
    int port;
    int server_pid;
    int streaming; /* 0: only connect, and stay */
    int connecting_at_once;
    int warmup_connections; /* the first, which are not measured */
    int settle_ms;
    int warmup_ms;
    int measure_ms;
    int in_flight;       /* of each sender, in a closed loop */
    long long period_ns; /* of each sender, in an open loop; 0: a closed one */
    int members;         /* of each room: connection i is in room i / members */
    int senders;         /* of each room: its first members */
    int arrivals;        /* marked frames by which one message has fully arrived */
    int binary;          /* messages are binary frames */
    Text message;        /* with a mark in it */
    Text ping;           /* a frame that is answered ... */
    Text pong;           /* ... with this one */
    int connections;
    Script *scripts;
} Plan;

Plan read_plan(void);
