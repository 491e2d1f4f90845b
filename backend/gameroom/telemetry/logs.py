"""Structured logs on stderr, one line an entry, whatever library wrote it.

`text` is `key=value` for people, `json` is one object a line for collectors. Fields are given as
`logger.info("room adopted", extra={"room_id": room_id})`. Secrets are cut from the finished message, from fields
and from tracebacks.
"""

import json
import logging
import re
import sys
from typing import Literal

from gameroom.clock import rfc3339

LogFormat = Literal["text", "json"]
Fields = dict[str, object]

REDACTED = "[redacted]"

_SENSITIVE = r"\w*ticket|\w*token|\w*password|\w*secret|device_id|idempotency[-_]key"
_SECRET = re.compile(
    rf"""
      eyJ[\w-]{{5,}}\.[\w-]*\.?[\w-]*                               # whatever looks like a JWT
    | (?P<scheme>\b(?:bearer|basic)(?:[\s.+]|%20))[\w.~+/=%-]+     # Authorization, or the subprotocol bearer.JWT
    | (?P<name>\b(?:{_SENSITIVE})\b["']?\s*[=:]\s*)               # a field of a body, a parameter of a query
      (?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s&"',;)}}\]]+)
    """,
    re.IGNORECASE | re.VERBOSE,
)


def redact(text: str) -> str:
    """The text without bearer tokens, tickets, passwords and JWTs."""
    return _SECRET.sub(_without_value, text)


def _without_value(found: re.Match[str]) -> str:
    return f"{found['scheme'] or found['name'] or ''}{REDACTED}"


def _clean(name: str, value: object) -> object:
    if re.fullmatch(_SENSITIVE, name, re.IGNORECASE):
        return REDACTED
    return value if isinstance(value, int | float | None) else redact(str(value))


_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""Attributes of every record (`color_message` is uvicorn's); others were given as `extra`."""


class LineFormatter(logging.Formatter):
    """One record → one redacted line."""

    def __init__(self, style: LogFormat) -> None:
        super().__init__()
        self._write = _as_json if style == "json" else _as_text

    def format(self, record: logging.LogRecord) -> str:
        return self._write(self._fields(record))

    def _fields(self, record: logging.LogRecord) -> Fields:
        fields: Fields = {
            "time": rfc3339(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        given = (name for name in vars(record) if name not in _STANDARD)
        fields.update((name, _clean(name, getattr(record, name))) for name in given)
        if record.exc_info:
            fields["traceback"] = redact(self.formatException(record.exc_info))
        return fields


def _as_json(fields: Fields) -> str:
    return json.dumps(fields, ensure_ascii=False)


def _as_text(fields: Fields) -> str:
    """`key=value` pairs; a traceback follows on lines of its own, because people read it."""
    traceback = fields.pop("traceback", None)
    line = " ".join(f"{name}={_quoted(str(value))}" for name, value in fields.items())
    return f"{line}\n{traceback}" if traceback else line


def _quoted(value: str) -> str:
    plain = value and value.isprintable() and not set(value) & set(" \"'=")
    return value if plain else json.dumps(value, ensure_ascii=False)


def configure_logs(level: str, style: LogFormat) -> None:
    """Send everything that is logged in this process to stderr: ours from `level` on, other libraries' warnings.

    uvicorn's own handlers are taken away, and its messages below WARNING too: one names the query string of each
    WebSocket, and with it a ticket; others hold whole frames.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(style))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("gameroom").setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        _through_root(logging.getLogger(name))


def _through_root(logger: logging.Logger) -> None:
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.WARNING)
