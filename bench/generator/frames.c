#include "frames.h"

#include <string.h>

#include "common.h"

static const uint8_t MASK[4] = {0x37, 0xfa, 0x21, 0x3d};
enum { FIN = 0x80, MASKED = 0x80 };

uint8_t mask_at(size_t i) { return MASK[i & 3]; }

size_t payload_offset(size_t payload_length) { return payload_length < 126 ? 6 : 8; }

Text masked_frame(int opcode, Text payload) {
    if (payload.length > 0xffff) die("a message of %zu bytes is too long", payload.length);
    size_t at = payload_offset(payload.length);
    Text frame = {.length = at + payload.length};
    uint8_t *bytes = allocate(frame.length);
    bytes[0] = (uint8_t)(FIN | opcode);
    if (payload.length < 126) {
        bytes[1] = (uint8_t)(MASKED | payload.length);
    } else {
        bytes[1] = MASKED | 126;
        bytes[2] = (uint8_t)(payload.length >> 8);
        bytes[3] = (uint8_t)payload.length;
    }
    memcpy(bytes + at - 4, MASK, 4);
    for (size_t i = 0; i < payload.length; i++) bytes[at + i] = (uint8_t)payload.bytes[i] ^ mask_at(i);
    frame.bytes = (char *)bytes;
    return frame;
}

size_t parse_frame(const char *data, size_t length, Frame *frame) {
    const uint8_t *bytes = (const uint8_t *)data;
    if (length < 2) return 0;
    size_t header = 2, payload = bytes[1] & 0x7f;
    if (payload >= 126) {
        size_t extended = payload == 126 ? 2 : 8;
        header += extended;
        if (length < header) return 0;
        payload = 0;
        for (size_t i = 0; i < extended; i++) payload = payload << 8 | bytes[2 + i];
    }
    if (length - header < payload) return 0;
    *frame = (Frame){.opcode = bytes[0] & 0x0f, .payload = data + header, .length = payload};
    return header + payload;
}
