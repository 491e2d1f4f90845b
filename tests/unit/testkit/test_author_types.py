"""An author's file is checked by `mypy --strict` against what `gameroom` exports: right code passes, slips do not."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

RIGHT = """
from typing import Annotated, Any, Literal
from msgspec import Meta, field
from gameroom import Context, Game, GameSettings, GameState, Hidden, IllegalAction, NotYourTurn, action, timer
from gameroom.testkit import Table

class Rules(GameSettings):
    seconds: Annotated[int, Meta(ge=1)] = 30

class Card(GameState):
    suit: Literal["hearts", "spades"]
    value: Hidden[int]

class Hand(GameState):
    hands: dict[int, list[Card]]
    deck: Hidden[list[Card]] = field(default_factory=list)
    turn: int = 0

class Cards(Game[Hand, Rules]):
    name = "cards"
    min_players = 2
    max_players = 4
    durability = "volatile"

    def setup(self, ctx: Context[Rules]) -> Hand:
        ctx.after(ctx.settings.seconds, self.late)
        return Hand({seat: [] for seat in ctx.players})

    @action
    def draw(self, state: Hand, ctx: Context[Rules], count: int = 1) -> dict[str, object]:
        if ctx.seat != state.turn:
            raise NotYourTurn(turn=state.turn)
        if not state.deck:
            raise IllegalAction("empty", left=0)
        state.hands[ctx.seat].append(ctx.random.choice(state.deck))
        ctx.announce({"type": "drawn", "count": count}, to=[ctx.seat])
        ctx.cancel(self.late)
        return {"value": state.hands[ctx.seat][-1].value + 1}

    @timer
    def late(self, state: Hand, ctx: Context[Rules]) -> None:
        self.draw(state, ctx, count=2)
        ctx.end(turn=state.turn)

    def on_leave(self, state: Hand, ctx: Context[Rules]) -> None:
        del state.hands[ctx.seat]

    def reveal(self, state: Hand, seat: int | None) -> dict[str, object]:
        return {} if seat is None else {"hand": [card.value for card in state.hands[seat]]}

    def migrate_state(self, old: dict[str, Any], from_version: str) -> dict[str, Any]:
        return {**old, "turn": 0}

class Plain(Game[Hand]):
    name = "plain"
    min_players = max_players = 2

    def setup(self, ctx: Context) -> Hand:
        return Hand({})

def test_cards() -> None:
    table = Table(Cards, players=3, settings={"seconds": 5})
    table.act(0, "draw", count=1)
    assert table.state.hands[0][0].value == 3
"""

SLIPS = {
    "ctx.after(ctx.settings.seconds": "ctx.after(ctx.settings.minutes",
    "def setup(self, ctx: Context[Rules]) -> Hand": "def setup(self, ctx: Context[Rules]) -> Rules",
    "if not state.deck": "if not state.dek",
    'durability = "volatile"': 'durability = "sometimes"',
    "raise NotYourTurn(turn=state.turn)": "raise NotYourTurn(state.turn)",
    "ctx.cancel(self.late)": "ctx.cancel(30)",
    "to=[ctx.seat]": "to=ctx.seat",
    "def on_leave(self, state: Hand,": "def on_leave(self, state: Card,",
    "class Plain(Game[Hand]):": "class Plain(Game):",
    "Table(Cards,": "Table(Hand,",
}
"""What is right in `RIGHT`, and a slip to make of it."""


def complaints(file: Path, source: str) -> dict[int, str]:
    """What mypy says, by line."""
    file.write_text(source)
    cache = ROOT / ".mypy_cache" / "authors"
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", cache, file],
        cwd=ROOT,
        env={"MYPYPATH": str(ROOT / "backend")},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    found = re.findall(rf"^{re.escape(str(file))}:(\d+): error: (.*)$", run.stdout, re.MULTILINE)
    return {int(line): complaint for line, complaint in found}


def test_right_code_passes(tmp_path: Path) -> None:
    assert complaints(tmp_path / "game.py", RIGHT) == {}


def test_every_slip_is_found(tmp_path: Path) -> None:
    """All in one file, since starting the checker takes longer than checking."""
    source = RIGHT
    for right, slip in SLIPS.items():
        assert source.count(right) == 1
        source = source.replace(right, slip)
    found = complaints(tmp_path / "game.py", source)
    lines = source.splitlines()
    assert {slip for slip in SLIPS.values() if not any(slip in lines[at - 1] for at in found)} == set()
