/* WebSocket frames as a client writes and reads them (RFC 6455). */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

/* A masked frame around a payload; its bytes are the caller's to free. */
Text masked_frame(int opcode, Text payload);

/* Where the payload begins in such a frame. */
size_t payload_offset(size_t payload_length);

/* The byte with which position `i` of a payload is masked. Not zero: some servers would skip unmasking. */
uint8_t mask_at(size_t i);

typedef struct {
    int opcode;
    const char *payload;
    size_t length;
} Frame;

/* The frame at `data`: how many bytes it takes, or 0 if it is not all there yet. */
size_t parse_frame(const char *data, size_t length, Frame *frame);
