#include "plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "common.h"

/* A netstring without its comma: the length, a colon, the bytes. */
static Text next_text(void) {
    Text text;
    if (scanf("%zu", &text.length) != 1 || getchar() != ':') die("the plan ends too early");
    text.bytes = allocate(text.length + 1);
    if (fread(text.bytes, 1, text.length, stdin) != text.length) die("the plan ends too early");
    text.bytes[text.length] = 0;
    return text;
}

static long long next_number(void) {
    Text text = next_text();
    long long number = atoll(text.bytes);
    free(text.bytes);
    return number;
}

static Script next_script(void) {
    Script script = {.count = (int)next_number()};
    script.steps = allocate(sizeof(Step) * script.count);
    for (int i = 0; i < script.count; i++) {
        script.steps[i].kind = (char)next_number();
        script.steps[i].say = next_text();
        script.steps[i].expect = next_text();
    }
    return script;
}

Plan read_plan(void) {
    Plan plan;
    plan.port = (int)next_number();
    plan.server_pid = (int)next_number();
    plan.streaming = (int)next_number();
    plan.connecting_at_once = (int)next_number();
    plan.warmup_connections = (int)next_number();
    plan.settle_ms = (int)next_number();
    plan.warmup_ms = (int)next_number();
    plan.measure_ms = (int)next_number();
    plan.in_flight = (int)next_number();
    plan.period_ns = next_number();
    plan.members = (int)next_number();
    plan.senders = (int)next_number();
    plan.arrivals = (int)next_number();
    plan.binary = (int)next_number();
    plan.message = next_text();
    plan.ping = next_text();
    plan.pong = next_text();
    plan.connections = (int)next_number();
    plan.scripts = allocate(sizeof(Script) * plan.connections);
    for (int i = 0; i < plan.connections; i++) plan.scripts[i] = next_script();
    return plan;
}
