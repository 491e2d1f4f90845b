"""`docs/autobahn.md`: who passes what. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.tables import strong, table
from tests.autobahn.subjects import OURS, THEIRS
from tests.autobahn.verdict import LENIENT, Grade, Results, shortfalls

SUBJECTS = (*OURS, *THEIRS)

HEAD = """\
# The Autobahn test suite

Written by `make autobahn`, {date}; not edited by hand. The cases of autobahntestsuite are put to our WebSockets and
to the classes that uvicorn has, all of which echo under the same uvicorn. Sections 12 and 13 are left out: they are
about compression, which we never agree on. [Why it is run so](decisions/0016-the-autobahn-suite.md).

*Not strict* is passed, too: the suite prefers what RFC 6455 does not demand.

- Where the peer breaks the protocol right behind a message (sections 3 to 5), the suite prefers that the message is
  answered first. An app behind ASGI answers from a task of its own, and it is chance whether that is before the
  close. What was taken over always answers first.
- {lenient}: the suite prefers that text which is no UTF-8 is refused in the middle of a frame. We look at it
  when the frame is whole: frames have a bound, and one that is broken costs no less if it is refused sooner.

But for these, `make autobahn` fails where a case goes worse here than with the best of uvicorn's classes.
"""


@dataclass(frozen=True)
class Run:
    """`sections`: their names by number. `descriptions`: of each case."""

    date: str
    versions: Mapping[str, str]
    sections: Mapping[str, str]
    descriptions: Mapping[str, str]
    results: Results


def report(run: Run) -> str:
    return "\n".join(_parts(run))


def _parts(run: Run) -> Iterator[str]:
    yield HEAD.format(date=run.date, lenient=" and ".join(sorted(LENIENT)))
    yield ", ".join(f"{name} {version}" for name, version in run.versions.items()) + ".\n"
    yield "## Cases passed\n"
    yield table(("section", "cases", *SUBJECTS), _sections(run))
    yield "## Cases that not all pass strictly\n"
    yield table(("case", *SUBJECTS), _cases(run))
    yield "## Worse than the best of uvicorn's\n"
    yield "\n".join(f"- {shortfall}" for shortfall in shortfalls(run.results)) or "None."
    yield ""


def _sections(run: Run) -> Iterator[Sequence[str]]:
    for section, name in run.sections.items():
        cases = [case for case in run.descriptions if _section_of(case) == section]
        if cases:
            yield f"{section} {name}", str(len(cases)), *(_passed(run, cases, each) for each in SUBJECTS)


def _passed(run: Run, cases: Sequence[str], subject: str) -> str:
    """All that passed, in bold where it is not all, and how many of them were not strict."""
    grades = Counter(run.results[subject][case].grade for case in cases)
    lenient = grades[Grade.NOT_STRICT]
    passed = grades[Grade.STRICT] + lenient
    return strong(str(passed), passed < len(cases)) + (f", {lenient} not strictly" if lenient else "")


def _cases(run: Run) -> Iterator[Sequence[str]]:
    for case, description in run.descriptions.items():
        grades = [run.results[subject][case].grade for subject in SUBJECTS]
        if any(grades):
            yield (
                f"{case} {description}",
                *(strong(str(grade), grade > Grade.NOT_STRICT) for grade in grades),
            )


def _section_of(case: str) -> str:
    return case.partition(".")[0]
