"""The logs: one line an entry, fields kept, secrets gone whatever carried them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from gameroom.telemetry.logs import REDACTED, LineFormatter, LogFormat, configure_logs, redact

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"
TICKET = "q7Tn0c-9xLk_2"

LEAKS = [
    f"GET /ws?ticket={TICKET}&errors=frame",
    f'GET /ws?a=1&ticket={TICKET} HTTP/1.1" 101',
    f"authorization: Bearer {JWT}",
    f"authorization: bearer {TICKET}",
    f"subprotocols gameroom.v1.json, bearer.{JWT}",
    f'{{"type":"AUTHENTICATE","access_token":"{JWT}"}}',
    f'{{"refresh_token": "{TICKET}"}}',
    f"{{'password': '{TICKET}', 'name': 'Ada'}}",
    f'{{"password": "with \\" a quote {TICKET}"}}',
    f"device_id={TICKET}",
    f"Idempotency-Key: {TICKET}",
    f"idempotency_key={TICKET}",
    f"the token was {JWT}.",
]


def line(style: LogFormat, message: str, *args: object, extra: dict[str, object] | None = None) -> str:
    logger = logging.getLogger("gameroom.test")
    record = logger.makeRecord(logger.name, logging.INFO, __file__, 1, message, args, None, extra=extra)
    return LineFormatter(style).format(record)


@pytest.mark.parametrize("leak", LEAKS)
def test_redact_takes_the_secret_and_leaves_its_name(leak: str) -> None:
    clean = redact(leak)
    assert JWT not in clean
    assert TICKET not in clean
    assert REDACTED in clean


def test_redact_leaves_what_is_no_secret() -> None:
    text = "room 0192 adopted in 3 ms; token_expires_in=900 tokens=2 seq: 7 game=tic-tac-toe"
    assert redact(text) == text


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("leak", LEAKS)
def test_no_argument_and_no_field_carries_a_secret_out(style: LogFormat, leak: str) -> None:
    written = line(
        style, "refused %s", leak, extra={"query": leak, "ticket": TICKET, "idempotency_key": TICKET}
    )
    assert JWT not in written
    assert TICKET not in written


@pytest.mark.parametrize("style", ["text", "json"])
def test_no_traceback_carries_a_secret_out(style: LogFormat) -> None:
    try:
        raise ValueError(f"bad token={JWT}")
    except ValueError as error:
        record = logging.makeLogRecord({"exc_info": (ValueError, error, error.__traceback__)})
    written = LineFormatter(style).format(record)
    assert JWT not in written
    assert "ValueError" in written


def test_json_is_one_object_with_the_fields() -> None:
    entry = json.loads(line("json", "room %s\nadopted", "0192", extra={"seq": 7, "clean": True}))
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "level": "info",
        "logger": "gameroom.test",
        "message": "room 0192\nadopted",
        "seq": 7,
        "clean": True,
    }


def test_text_is_key_value_on_one_line() -> None:
    written = line("text", 'room "%s"\nadopted', "0192", extra={"seq": 7})
    assert written.endswith(r'level=info logger=gameroom.test message="room \"0192\"\nadopted" seq=7')


@pytest.fixture
def logging_restored() -> Iterator[None]:
    names = (None, "gameroom", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
    before = [(log := logging.getLogger(name), log.level, log.propagate, log.handlers[:]) for name in names]
    yield
    for log, level, propagate, handlers in before:
        log.setLevel(level)
        log.propagate, log.handlers = propagate, handlers


def test_uvicorn_prints_nothing_past_us(logging_restored: None, capsys: pytest.CaptureFixture[str]) -> None:
    stock = logging.StreamHandler(io.StringIO())
    logging.getLogger("uvicorn").addHandler(stock)
    configure_logs("debug", "text")
    logging.getLogger("uvicorn.error").info('127.0.0.1 - "WebSocket /ws?ticket=%s" [accepted]', TICKET)
    logging.getLogger("uvicorn.error").warning('127.0.0.1 - "WebSocket /ws?ticket=%s" 403', TICKET)
    logging.getLogger("gameroom.test").debug("heard")
    written = capsys.readouterr().err.splitlines()
    assert stock not in logging.getLogger("uvicorn").handlers
    assert len(written) == 2
    assert f"ticket={REDACTED}" in written[0]
    assert "message=heard" in written[1]
