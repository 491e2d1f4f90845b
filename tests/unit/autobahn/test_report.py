"""The page about the Autobahn suite."""

from collections.abc import Mapping

from tests.autobahn.report import SUBJECTS, Run, report
from tests.autobahn.subjects import PLAIN_ASGI, TAKEN_OVER
from tests.autobahn.verdict import Outcome

STRICT = Outcome("OK", "OK")
CASES = {"1.1": "Send nothing.", "1.2": "Send text.", "10.1": "Send much."}


def page(but: Mapping[tuple[str, str], Outcome]) -> str:
    """Of a run in which all are strict but for these: of a subject, a case."""
    results = {subject: {case: but.get((subject, case), STRICT) for case in CASES} for subject in SUBJECTS}
    sections = {"0": "Handshake", "1": "Framing", "10": "Misc"}
    return report(Run("2020-02-02", {"uvicorn": "0.1", "Python": "3.0"}, sections, CASES, results))


def rows(page: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]


def test_a_section_shows_how_many_passed() -> None:
    shown = page(
        {
            (TAKEN_OVER, "1.1"): Outcome("FAILED", "OK"),
            (PLAIN_ASGI, "1.1"): Outcome("NON-STRICT", "OK"),
        }
    )
    assert ["1 Framing", "2", "**1**", "2, 1 not strictly", "2", "2", "2", "2"] in rows(shown)
    assert ["10 Misc", "1", *["1"] * len(SUBJECTS)] in rows(shown)
    assert "Handshake" not in shown, "a section without cases"


def test_cases_are_shown_that_not_all_pass_strictly() -> None:
    shown = page({("wsproto", "1.2"): Outcome("OK", "UNCLEAN")})
    assert ["1.2 Send text.", *["strict"] * 3, "**badly closed**", *["strict"] * 2] in rows(shown)
    assert "Send nothing." not in shown


def test_what_is_worse_than_uvicorns_best_stands_below() -> None:
    assert page({}).endswith("## Worse than the best of uvicorn's\n\nNone.\n")
    failed = page({(PLAIN_ASGI, "1.2"): Outcome("FAILED", "FAILED")})
    assert failed.endswith(f"\n\n- 1.2 on {PLAIN_ASGI}: failed, the best of uvicorn's: strict\n")


def test_it_says_when_and_with_what_it_was_measured() -> None:
    shown = page({})
    assert "2020-02-02" in shown
    assert "uvicorn 0.1, Python 3.0." in shown
