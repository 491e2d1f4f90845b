"""INVARIANTS.md, the planted faults and the code say the same. Whether the tests notice them, `make planted` says."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.planted.fault import Edit, Fault
from tests.planted.table import FAULTS
from tests.source_names import names_in

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "backend" / "gameroom"

PLACE = re.compile(r"`([\w/]+\.py)(?:: ([\w.]+))?`")
"""Where a promise is kept: `rooms/actor.py: Actor.submit`."""

TEST = re.compile(r"^- `(tests/[\w/]+\.py)::(\w+)`$", re.MULTILINE)
"""Who guards it."""


@dataclass(frozen=True)
class Promise:
    title: str
    text: str

    def places(self) -> list[tuple[str, str]]:
        return [(file, name) for file, name in PLACE.findall(self.text) if not file.startswith("tests/")]

    def tests(self) -> set[str]:
        return {f"{file}::{name}" for file, name in TEST.findall(self.text)}


def promises() -> Iterator[Promise]:
    _, *sections = re.split(r"^### ", (ROOT / "INVARIANTS.md").read_text(), flags=re.MULTILINE)
    for section in sections:
        title, _, rest = section.partition("\n")
        yield Promise(title, re.split(r"^## ", rest, flags=re.MULTILINE)[0])


PROMISES = list(promises())
PLANTED = [fault for faults in FAULTS.values() for fault in faults]
EDITS = [edit for fault in PLANTED for edit in fault.edits]

each_promise = pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.title)
each_fault = pytest.mark.parametrize("fault", PLANTED, ids=lambda fault: fault.name)


@cache
def text_of(file: Path) -> str:
    return file.read_text()


@each_promise
def test_the_place_that_keeps_a_promise_exists(promise: Promise) -> None:
    assert promise.places(), "nobody keeps it"
    for file, name in promise.places():
        assert (SOURCE / file).is_file(), file
        assert not name or name in names_in(SOURCE / file), f"{file}: {name}"


@each_promise
def test_the_tests_that_guard_a_promise_exist(promise: Promise) -> None:
    assert promise.tests(), "nobody guards it"
    for test in promise.tests():
        file, _, name = test.partition("::")
        assert name in names_in(ROOT / file), test


def test_every_promise_has_a_planted_fault_and_every_fault_a_promise() -> None:
    assert [promise.title for promise in PROMISES] == list(FAULTS)


@each_promise
def test_the_tests_named_for_a_promise_are_those_that_must_notice_its_faults(promise: Promise) -> None:
    assert promise.tests() == {test for fault in FAULTS[promise.title] for test in fault.tests}


@each_fault
def test_a_fault_can_be_planted(fault: Fault) -> None:
    assert fault.tests, "nobody must notice it"
    for edit in fault.edits:
        assert edit.old != edit.new
        assert text_of(ROOT / edit.file).count(edit.old) == 1, f"{edit.file} has not once: {edit.old}"
        assert_still_python(edit)


def assert_still_python(edit: Edit) -> None:
    """Code that does not load would turn every test red."""
    compile(text_of(ROOT / edit.file).replace(edit.old, edit.new), edit.file, "exec")


def test_faults_have_names_of_their_own() -> None:
    assert [name for name, count in Counter(fault.name for fault in PLANTED).items() if count > 1] == []
