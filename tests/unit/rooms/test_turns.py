"""Rooms take their turns in order, a few at a time."""

import asyncio

import pytest

from gameroom.rooms.turns import TURNS_AT_ONCE, Turns


async def test_turns_are_taken_in_the_order_in_which_they_were_wanted() -> None:
    turns, taken = Turns(), list[int]()
    for number in range(5):
        turns.want(lambda number=number: taken.append(number))  # type: ignore[misc]
    assert taken == []
    await asyncio.sleep(0)
    assert taken == [0, 1, 2, 3, 4]


async def test_between_some_turns_the_loop_does_other_things() -> None:
    turns, taken = Turns(), list[int]()
    for number in range(2 * TURNS_AT_ONCE + 1):
        turns.want(lambda number=number: taken.append(number))  # type: ignore[misc]
    steps = []
    while len(taken) <= 2 * TURNS_AT_ONCE:
        await asyncio.sleep(0)
        steps.append(len(taken))
    assert steps == [TURNS_AT_ONCE, 2 * TURNS_AT_ONCE, 2 * TURNS_AT_ONCE + 1]


async def test_a_turn_that_is_wanted_in_a_turn_is_taken_after_it() -> None:
    turns, taken = Turns(), list[str]()
    turns.want(lambda: (turns.want(lambda: taken.append("second")), taken.append("first"))[1])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert taken == ["first", "second"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_bug_in_one_turn_costs_the_others_nothing() -> None:
    turns, taken, failures = Turns(), list[str](), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context["exception"]))

    def broken() -> None:
        raise RuntimeError("a bug")

    turns.want(broken)
    turns.want(lambda: taken.append("other"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert taken == ["other"] and len(failures) == 1
