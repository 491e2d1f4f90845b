"""What a row of the table is, and what is checked of each, whichever it is."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.kit.wire import CODES, RETRYABLE, Json
from tests.refusals.scenes import Scene, Stage

Pointers = str | tuple[str, ...]


@dataclass(frozen=True)
class Expected:
    """How something is refused. `at`: the fields that `errors` points at; `says`: a word of what it says there."""

    code: str
    params: Json | None = None
    at: Pointers = ()
    says: str = ""


@dataclass(frozen=True)
class Row:
    """In this scene, this part sends this command with these fields, and is refused."""

    scene: Scene
    who: str
    command: str
    fields: Json
    expected: Expected

    def __str__(self) -> str:
        return (
            f"{self.command} {short(self.fields)} by {self.who}, {self.scene.__name__}: {self.expected.code}"
        )


def no(code: str, params: Json | None = None, **more: Any) -> Expected:
    """The answer of a row, as rows write it."""
    return Expected(code, params, **more)


def wrong(at: Pointers, says: str = "") -> Expected:
    return Expected("validation_failed", at=at, says=says)


def short(fields: object) -> str:
    text = json.dumps(fields, ensure_ascii=True)
    return text if len(text) <= 60 else f"{text[:57]}..."


async def try_row(stage: Stage, row: Row) -> None:
    """Send the frame in its scene; the answer must be the refusal, and all must be as it was."""
    before = await stage.look(row.who)
    await stage.heard()
    player = stage.cast[row.who]
    rooms = set(player.rooms)
    frame = {"type": row.command, "id": str(uuid4()), **stage.filled(row.fields)}

    await player.send_frame(frame)
    error = await player.next()

    assert error["type"] == "ERROR", f"accepted: {error}"
    check_refusal(stage, row.expected, error)
    check_echo(frame, error)
    assert error["retryable"] == (row.expected.code in RETRYABLE)
    assert await stage.look(row.who) == before
    assert (await stage.heard(), set(player.rooms)) == ({}, rooms)


def check_refusal(stage: Stage, expected: Expected, answer: Json) -> None:
    """What an ERROR and a problem have in common."""
    assert expected.code in CODES
    assert answer["code"] == expected.code, answer
    if expected.params is not None:
        assert answer.get("params") == stage.filled(expected.params), answer
    pointers = (expected.at,) if isinstance(expected.at, str) else expected.at
    if pointers:
        assert [error["pointer"] for error in answer["errors"]] == list(pointers), answer
    assert expected.says in " ".join(error["detail"] for error in answer.get("errors", [])), answer


def check_echo(frame: Json, error: Json) -> None:
    """The command is named, its id given back where it is one, and its room where it says one."""
    assert error.get("command") == frame["type"]
    assert error["id"] == (frame["id"] if _is_word(frame["id"]) else None)
    if _is_word(frame.get("room_id")):
        assert error["room_id"] == frame["room_id"]


def _is_word(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 64
