"""`Context`: what game code says is kept as it was when it said it, and misuse is told in a sentence."""

from collections.abc import Callable

import pytest
from msgspec import Struct

from gameroom.games.context import Context
from gameroom.games.effects import Announcement, Ending
from gameroom.games.failures import GameMisuse
from gameroom.games.game import Game, timer
from gameroom.games.random import GameRandom
from gameroom.games.visible import Hidden


class Clockwork(Game[None]):
    @timer
    def strike(self, state: None, ctx: Context) -> None:
        pass

    @timer
    def raise_(self, state: None, ctx: Context) -> None:
        pass

    def rest(self, state: None, ctx: Context) -> None:
        pass


class Card(Struct):
    suit: str
    value: Hidden[int]


CLOCKWORK = Clockwork()


def context(seat: int | None = 0) -> Context:
    return Context(
        seat=seat, round=1, players=(0, 1), settings=Struct(), now=1_000, random=GameRandom(bytes(32))
    )


def test_announcements_keep_their_order_and_what_was_said() -> None:
    ctx, cards = context(), [1]
    ctx.announce({"cards": cards})
    cards.append(2)
    ctx.announce(Card("hearts", 12), to=[1])
    assert ctx.effects.announcements == [
        Announcement(None, {"cards": [1]}),
        Announcement((1,), {"suit": "hearts"}),
    ]


def test_contexts_do_not_share_their_effects() -> None:
    context().announce({})
    assert context().effects.announcements == []


def test_a_round_ends_once() -> None:
    ctx = context()
    ctx.end(winner=1, scores={0: 3, 1: 5})
    assert ctx.effects.ending == Ending("finished", {"winner": 1, "scores": {"0": 3, "1": 5}})
    with pytest.raises(GameMisuse, match="ended twice"):
        ctx.abandon()


def test_a_round_is_abandoned() -> None:
    ctx = context()
    ctx.abandon()
    assert ctx.effects.ending == Ending("abandoned", {})


def test_timers_are_named_by_reference() -> None:
    ctx = context()
    ctx.after(1.5, CLOCKWORK.strike)
    assert ctx.effects.timers == {"strike": 2_500}
    ctx.after(2, CLOCKWORK.raise_)
    ctx.after(0, CLOCKWORK.strike)
    ctx.cancel(CLOCKWORK.raise_)
    assert ctx.effects.timers == {"strike": 1_000, "raise": None}


@pytest.mark.parametrize(
    ("misuse", "sentence"),
    [
        (lambda ctx: ctx.after(1, CLOCKWORK.rest), "marked @timer"),
        (lambda ctx: ctx.cancel(print), "marked @timer"),
        (lambda ctx: ctx.after(-1, CLOCKWORK.strike), "from 0 to a year"),
        (lambda ctx: ctx.after(float("nan"), CLOCKWORK.strike), "from 0 to a year"),
        (lambda ctx: ctx.announce({}, to=1), r"to=\[ctx.seat\]"),
        (lambda ctx: ctx.announce({}, to="01"), r"to=\[ctx.seat\]"),
        (lambda ctx: ctx.announce({}, to=[True]), r"to=\[ctx.seat\]"),
        (lambda ctx: ctx.announce("hello"), "takes an object .* not a str"),
        (lambda ctx: ctx.announce({"a": [object()]}), "#/a/0: a object cannot be sent"),
        (lambda ctx: ctx.end(score=float("inf")), "ctx.end: #/score"),
    ],
)
def test_misuse_is_told_in_a_sentence(misuse: Callable[[Context], None], sentence: str) -> None:
    ctx = context()
    with pytest.raises(GameMisuse, match=sentence):
        misuse(ctx)
    assert ctx.effects.announcements == []
    assert ctx.effects.timers == {}
    assert ctx.effects.ending is None


def test_setup_and_timers_are_about_no_seat() -> None:
    assert context(seat=1).seat == 1
    with pytest.raises(GameMisuse, match="about no seat"):
        _ = context(seat=None).seat
