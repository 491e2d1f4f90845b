"""Where a case of the Autobahn suite goes worse with us than it must."""

import pytest

from tests.autobahn.subjects import IN_PYTHON, OURS, TAKEN_OVER, THEIRS
from tests.autobahn.verdict import LENIENT, Grade, Outcome, Results, shortfalls

STRICT = Outcome("OK", "OK")
NOT_STRICT = Outcome("NON-STRICT", "OK")
UNCLEAN = Outcome("OK", "UNCLEAN")
FAILED = Outcome("FAILED", "FAILED")


def results(ours: Outcome, *theirs: Outcome, case: str = "3.2") -> Results:
    """Of one case: the same on all of ours, and one for each class of uvicorn's."""
    of_each = {**dict.fromkeys(OURS, ours), **dict(zip(THEIRS, theirs, strict=True))}
    return {subject: {case: outcome} for subject, outcome in of_each.items()}


@pytest.mark.parametrize(
    ("outcome", "grade"),
    [
        (STRICT, Grade.STRICT),
        (Outcome("INFORMATIONAL", "INFORMATIONAL"), Grade.STRICT),
        (NOT_STRICT, Grade.NOT_STRICT),
        (Outcome("OK", "WRONG CODE"), Grade.BADLY_CLOSED),
        (Outcome("NON-STRICT", "FAILED BY CLIENT"), Grade.BADLY_CLOSED),
        (Outcome("FAILED", "OK"), Grade.FAILED),
        (Outcome("UNIMPLEMENTED", "OK"), Grade.FAILED),
    ],
)
def test_what_the_suite_says_is_graded(outcome: Outcome, grade: Grade) -> None:
    assert outcome.grade is grade


@pytest.mark.parametrize("ours", [UNCLEAN, FAILED])
def test_what_one_of_uvicorns_passes_all_of_ours_must_pass(ours: Outcome) -> None:
    found = list(shortfalls(results(ours, FAILED, NOT_STRICT, FAILED)))
    assert [line.partition(":")[0] for line in found] == [f"3.2 on {subject}" for subject in OURS]


def test_what_all_of_uvicorns_fail_may_fail() -> None:
    assert not list(shortfalls(results(FAILED, FAILED, FAILED, FAILED)))


def test_only_what_is_not_left_to_chance_must_be_strict() -> None:
    found = list(shortfalls(results(NOT_STRICT, STRICT, NOT_STRICT, FAILED)))
    assert found == [
        f"3.2 on {subject}: not strict, the best of uvicorn's: strict" for subject in (TAKEN_OVER, IN_PYTHON)
    ]


@pytest.mark.parametrize("case", sorted(LENIENT))
def test_named_cases_need_not_be_strict(case: str) -> None:
    assert not list(shortfalls(results(NOT_STRICT, STRICT, STRICT, STRICT, case=case)))
    assert len(list(shortfalls(results(FAILED, STRICT, STRICT, STRICT, case=case)))) == len(OURS)
