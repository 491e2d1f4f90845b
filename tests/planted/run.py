"""Plants faults in a copy of the tree, and asks the tests whether they notice."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.planted.fault import Edit, Fault

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info", ".gameroom"
)

TEST_TIMEOUT_S = 20
"""A test that hangs because of a fault has noticed it."""

RUN_TIMEOUT_S = 300
"""A whole run that hangs has not: nobody could say which test noticed what."""

PYTEST_OPTIONS = (
    *("-q", "-rA", "--tb=short", "-p", "no:cacheprovider"),
    *("-p", "tests.planted.hasty", "--hypothesis-profile=hasty", "--hypothesis-seed=0"),
    f"--timeout={TEST_TIMEOUT_S}",
)

VERDICT = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (\S+?::[\w:]+)", re.MULTILINE)


@dataclass(frozen=True)
class Verdicts:
    """How tests ended, by node id without parameters: all the words that their cases got."""

    words: dict[str, set[str]]
    output: str

    def passed(self, test: str) -> bool:
        """Whether it was run, and every case of it is green."""
        return self._of(test) == {"PASSED"}

    def failed(self, test: str) -> bool:
        """Whether a case of it is red. An error outside of the test, such as code that does not load, is no verdict."""
        return "FAILED" in self._of(test)

    def _of(self, test: str) -> set[str]:
        cases = (words for name, words in self.words.items() if name == test or name.startswith(f"{test}::"))
        return set().union(*cases)


class NotPlanted(Exception):
    """The code has changed, and the fault with it must; the message says which edit."""


class Copy:
    """A copy of the tree in which tests run on the copy's own code. The checkout stays as it is."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = folder / "tree"
        shutil.copytree(root, self._root, ignore=LEFT_OUT)

    def run(self, tests: Iterable[str], *, keep_bytecode: bool = False) -> Verdicts:
        """Run the tests, every case of them: that one has failed says nothing about the others (so no `-x`)."""
        command = [sys.executable, "-m", "pytest", *PYTEST_OPTIONS, *sorted(set(tests))]
        run = subprocess.run(
            command,
            cwd=self._root,
            env=self._environment(keep_bytecode),
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT_S,
        )
        return _verdicts(run.stdout + run.stderr)

    @contextmanager
    def planted(self, edits: Sequence[Edit]) -> Iterator[None]:
        """The tree with these edits, for the length of the block. Raises `NotPlanted`."""
        originals = {path: (path.read_text(), path.stat()) for path in map(self._path, edits)}
        try:
            for edit in edits:
                _apply(self._path(edit), edit)
            yield
        finally:
            for path, (text, stat) in originals.items():
                path.write_text(text)
                os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # so its bytecode is good again

    def _path(self, edit: Edit) -> Path:
        return self._root / edit.file

    def _environment(self, keep_bytecode: bool) -> dict[str, str]:
        """Bytecode is kept of the tree as it is only: Python tells files apart by size and second."""
        kept = {} if keep_bytecode else {"PYTHONDONTWRITEBYTECODE": "1"}
        return {**os.environ, "PYTHONPATH": str(self._root / "backend"), **kept}


def _apply(path: Path, edit: Edit) -> None:
    text = path.read_text()
    if text.count(edit.old) != 1:
        raise NotPlanted(f"{edit.file} has {text.count(edit.old)} times: {edit.old}")
    path.write_text(text.replace(edit.old, edit.new))


def _verdicts(output: str) -> Verdicts:
    words: dict[str, set[str]] = {}
    for word, test in VERDICT.findall(output):
        words.setdefault(test, set()).add(word)
    return Verdicts(words, output)


class Trial:
    """Tries faults one by one, and tells how it goes."""

    def __init__(self, copy: Copy) -> None:
        self._copy = copy
        self.complaints: list[str] = []
        """Tests that did not notice a fault, tests that are red without one, faults that could not be planted."""

    def without_fault(self, faults: Sequence[Fault]) -> None:
        """A test that is red anyway shows nothing."""
        tests = sorted({test for fault in faults for test in fault.tests})
        verdicts = self._copy.run(tests, keep_bytecode=True)
        red = [test for test in tests if not verdicts.passed(test)]
        self._tell("without any fault", [f"{test} is not green" for test in red], verdicts.output)

    def with_fault(self, fault: Fault) -> None:
        began = time.monotonic()
        complaints, output = self._try(fault)
        self._tell(f"{time.monotonic() - began:5.1f} s  {fault.name}", complaints, output)

    def _try(self, fault: Fault) -> tuple[list[str], str]:
        """What there is to complain of, and what the tests printed."""
        try:
            with self._copy.planted(fault.edits):
                verdicts = self._copy.run(fault.tests)
        except NotPlanted as error:
            return [str(error)], ""
        unnoticed = [f"{test} does not notice" for test in fault.tests if not verdicts.failed(test)]
        return unnoticed, verdicts.output

    def _tell(self, what: str, complaints: list[str], output: str) -> None:
        _say(f"{'BLIND' if complaints else 'ok   '} {what}")
        if complaints:
            _say(*(f"      {complaint}" for complaint in complaints), output)
        self.complaints += complaints


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
