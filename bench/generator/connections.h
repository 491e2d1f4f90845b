/* The sockets: brings each through its script, then hands its frames on. */
#pragma once
#include <stdint.h>

#include "frames.h"
#include "plan.h"

/* To be called first. */
void open_connections(const Plan *plan);

/* Connects, `connecting_at_once` at a time, until so many are there; records how long each took. */
void connect_first(int wanted);

/* Waits for frames until `until` (nanoseconds), at most; `on_frame` gets each that is a message to connection `i`. */
void receive(int64_t until, void (*on_frame)(int i, const Frame *frame));

/* Sends bytes; false if the server takes none at present. */
int transmit(int i, Text bytes);
