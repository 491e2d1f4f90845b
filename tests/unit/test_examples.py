"""Every example of the papers is as the documents of the API say."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Validator, validator_for

from gameroom.protocol.commands import COMMANDS
from tests.kit.documents import FORM, document, key_of, message, operation, violation
from tests.papers import (
    PAPERS,
    PROTOCOL,
    QA,
    Json,
    Shown,
    ShownCall,
    calls_in,
    frames_in,
    named,
    without_ellipses,
)

MISTAKES = {"unknown_command", "validation_failed", "malformed_frame"}
"""Codes of commands that are refused for their form."""

each_paper = pytest.mark.parametrize("paper", PAPERS, ids=named)


def fault_of(shown: Shown) -> str | None:
    """What is wrong with a frame, in the words of the AsyncAPI document."""
    if shown.value is None:
        return "it is no JSON"
    key = key_of(shown.value)
    validator = message(key)
    if validator is None:
        return f"there is no message {key}"
    if shown.shortened:
        payload = document("asyncapi")["components"]["messages"][key]["payload"]
        validator = lenient(document("asyncapi"), payload)
    return violation(validator, shown.value)


def lenient(of: Json, schema: Json) -> Validator:
    """What validates an object of which fields were left out."""
    return validator_for({**without_required(schema), "components": without_required(of["components"])})


def without_required(value: Any) -> Any:
    if isinstance(value, list):
        return [without_required(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: without_required(item) for key, item in value.items() if key != "required" or item is True}


def is_refused_below(shown: Shown, others: list[Shown]) -> bool:
    """Whether a command is shown for the ERROR that answers it: by its `id`, or null where it is no JSON."""
    id = shown.value.get("id") if shown.value else None
    if shown.value and id is None:
        return False
    below = [each.value for each in others if each.line > shown.line and each.value is not None]
    errors = (frame for frame in below if frame["type"] == "ERROR" and frame["id"] == id)
    return next(errors, {"code": None})["code"] in MISTAKES


@each_paper
def test_every_frame_that_is_shown_is_valid_or_is_shown_as_a_mistake(paper: Path) -> None:
    frames = frames_in(paper)
    faults = [(shown, fault_of(shown)) for shown in frames]
    wrong = [f"{shown}: {fault}" for shown, fault in faults if fault and not is_refused_below(shown, frames)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("paper", [PROTOCOL, QA], ids=named)
def test_every_command_is_shown(paper: Path) -> None:
    assert COMMANDS.keys() - {shown.value["type"] for shown in frames_in(paper) if shown.value} == set()


def test_every_message_to_paste_has_an_id_that_is_new_each_time() -> None:
    pasted = [shown.value for shown in frames_in(QA) if shown.value]
    assert {command.get("id") for command in pasted} == {"{{$guid}}"}


# --- REST -----------------------------------------------------------------------------------------------------

CALLS = [call for paper in PAPERS for call in calls_in(paper)]


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_every_call_that_is_shown_is_valid(call: ShownCall) -> None:
    described = operation(call.method, call.path)
    assert described, f"{call}: the OpenAPI document has no {call.method} {call.path}"
    assert bool(call.data) == ("requestBody" in described), (
        f"{call}: a body where none is, or none where one is"
    )
    if call.data:
        [(kind, media)] = described["requestBody"]["content"].items()
        body = dict(pair.split("=", 1) for pair in call.data) if kind == FORM else json.loads(call.data[0])
        wrong = violation(validator_of(media["schema"], shortened=False), body)
        assert wrong is None, f"{call}: the body is not as the OpenAPI document says: {wrong}"
    if call.answer is not None:
        assert_answer(call.answer, described)


def validator_of(schema: Json, *, shortened: bool) -> Validator:
    if shortened:
        return lenient(document("openapi"), schema)
    return validator_for({**schema, "components": document("openapi")["components"]})


def assert_answer(answer: Shown, described: Json) -> None:
    """An answer shows its status only where it is a problem; another must be one that the call may give."""
    assert answer.value is not None, f"{answer}: it is no JSON"
    status = answer.value.get("status")
    promised = [
        media["schema"]
        for code, response in described["responses"].items()
        if (code == str(status) if isinstance(status, int) else code < "400")
        for media in response.get("content", {}).values()
    ]
    faults = [
        violation(validator_of(schema, shortened=answer.shortened), answer.value) for schema in promised
    ]
    assert None in faults, f"{answer}: no answer of the call: {faults}"


def test_calls_are_shown() -> None:
    assert len(CALLS) > 3


# --- the reader of the papers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "read"),
    [
        ('{"type":"A", …,"seq":6, …,"patch":[]}', {"type": "A", "seq": 6, "patch": []}),
        ('{"a": "b…", …}', {"a": "b…"}),
        ('{"a": [1, …], "b": {…}}', {"a": [1], "b": {}}),
        ('{"a": "…, …"}', {"a": "…, …"}),
    ],
)
def test_what_is_left_out_is_left_out(shown: str, read: Json) -> None:
    assert json.loads(without_ellipses(shown)) == read


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"type": "SET_READY"}', "ready"),
        ('{"type": "SET_REDY", "ready": true}', "no message SET_REDY"),
        ('Ada ← {"type": "DETACHED", "room_id": "r-1", "reason": "bored"}', "bored"),
        ('< {"type": "DETACHED", …, "reason": 7}', "7"),
        ('Ada → {"type": "SET_READY", "id": "a9"\nAda ← pong', "no JSON"),
    ],
)
def test_a_wrong_example_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, fault: str
) -> None:
    monkeypatch.setattr("tests.papers.ROOT", tmp_path)
    paper = tmp_path / "paper.md"
    paper.write_text(f"```\n{line}\n```\n")
    [shown] = frames_in(paper)
    assert fault in str(fault_of(shown))
