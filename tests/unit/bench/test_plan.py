"""What the generator is told, read back as `bench/generator/plan.c` reads it."""

import re

import pytest

from bench.contenders import CONTENDERS, Contender
from bench.dialects import COMMAND_ID, TEXT
from bench.plan import MARK, Crowd, Message, Pace, Plan, Step, encode_plan, post, upgrade
from bench.workloads import MESSAGE_LENGTH, Work

TALKING: tuple[Work, ...] = ("relay", "talk", "command", "journaled")


def texts(encoded: bytes) -> list[bytes]:
    found = []
    while encoded:
        length, _, rest = encoded.partition(b":")
        found.append(rest[: int(length)])
        encoded = rest[int(length) :]
    return found


def test_a_plan_is_netstrings_in_the_order_of_the_reader() -> None:
    plan = Plan(
        port=8000,
        server_pid=42,
        crowd=Crowd(rooms=1, members=2, arrivals=2),
        pace=Pace(in_flight=8, warmup_ms=100, measure_ms=200, settle_ms=10, warmup_connections=1),
        scripts=[[Step("u", b"GET", b"")], [Step("t", b"hi:1", b"ho")]],
        message=Message(b"2:~~00000000", binary=True),
        connecting_at_once=3,
    )
    numbers = [b"8000", b"42", b"1", b"3", b"1", b"10", b"100", b"200", b"8", b"0", b"2", b"1", b"2", b"1"]
    words = [b"2:~~00000000", b"", b"", b"2"]
    scripts = [b"1", b"%d" % ord("u"), b"GET", b"", b"1", b"%d" % ord("t"), b"hi:1", b"ho"]
    assert texts(encode_plan(plan)) == [*numbers, *words, *scripts]


def test_without_a_message_everybody_only_connects() -> None:
    plan = Plan(port=1, server_pid=1, crowd=Crowd(rooms=1, members=1), pace=Pace(), scripts=[], message=None)
    assert texts(encode_plan(plan))[2] == b"0"


def test_a_pace_is_told_as_the_time_between_two_messages() -> None:
    assert Pace(per_second=20).period_ns == 50_000_000
    assert Pace().period_ns == 0


def test_calls_are_http_with_their_length_and_what_to_capture() -> None:
    assert upgrade("/ws", "A: b").say.endswith(b"\r\nA: b\r\n\r\n")
    step = post("/join", b"{}", ["A: b"], ['"x":"', '"y":"'])
    assert re.fullmatch(
        rb"POST /join HTTP/1\.1\r\n.*Content-Length: 2\r\nA: b\r\n\r\n\{\}", step.say, re.DOTALL
    )
    assert step.expect == b'"x":"\n"y":"'


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.name)
@pytest.mark.parametrize("work", TALKING)
def test_every_message_has_one_mark(contender: Contender, work: Work) -> None:
    payload = contender.dialect.message(work).payload
    assert payload.count(MARK.encode()) == payload.count(b"~~") == 1


def test_what_is_said_has_the_length_that_the_report_gives() -> None:
    assert len(TEXT) == MESSAGE_LENGTH
    assert len(COMMAND_ID) <= 64


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.name)
def test_every_script_upgrades_and_all_but_the_floor_show_the_token(contender: Contender) -> None:
    script = contender.dialect.script("room-1", "the.good.token", "relay")
    assert [step.kind for step in script].count("u") == 1
    assert b"the.good.token" in b"".join(step.say for step in script)
