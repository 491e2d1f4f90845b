"""`GameType`, as rooms use it: whatever the author's code does, the room gets an answer, a refusal or `GameFailed`."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from gameroom import Context, Game, GameSettings, GameState, Hidden, IllegalAction, NotYourTurn, action, timer
from gameroom.errors import GameFailed, Unavailable, UnknownAction, UnknownGame, ValidationFailed
from gameroom.games.game import NoSettings
from gameroom.games.random import GameRandom
from gameroom.games.registry import GameDefinitionError, Games, GameType, game_in, games_in, load_game
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe


class Card(GameState):
    suit: str
    value: Hidden[int]


class Hand(GameState):
    deck: Hidden[list[Card]]
    hands: dict[int, list[Card]]
    pot: int = 0
    scores: list[float] = []
    extra: Any = None


class Stakes(GameSettings):
    blind: Annotated[int, Meta(ge=1, le=100)] = 1
    limit: int = 10

    def __post_init__(self) -> None:
        if self.limit < self.blind:
            raise ValueError("the limit must not be below the blind")


class Bet(Struct):
    amount: Annotated[int, Meta(ge=0)]


class Poker(Game[Hand, Stakes]):
    """Holds one method for everything that can happen to a room."""

    name = "poker"
    min_players, max_players = 2, 6
    version = "2"

    def setup(self, ctx: Context[Stakes]) -> Hand:
        deck = [Card("hearts", value) for value in range(1, 14)]
        ctx.random.shuffle(deck)
        hands = {seat: [deck.pop(), deck.pop()] for seat in ctx.players}
        return Hand(deck, hands, pot=ctx.settings.blind)

    @action
    def raise_(self, state: Hand, ctx: Context[Stakes], by: int, from_: int = 0) -> dict[str, object]:
        state.pot += by
        return {"pot": state.pot, "from": from_, "card": state.hands[ctx.seat][0]}

    @action
    def bets(self, state: Hand, ctx: Context[Stakes], bets: list[Bet], side: dict[str, Bet] = {}) -> None:  # noqa: B006
        state.pot += sum(bet.amount for bet in bets)

    @action
    def pass_(self, state: Hand, ctx: Context[Stakes]) -> None:
        pass

    @action
    def do(self, state: Hand, ctx: Context[Stakes], what: str) -> object:
        return MISDEEDS[what](state, ctx)

    @timer
    def too_slow(self, state: Hand, ctx: Context[Stakes]) -> None:
        MISDEEDS[state.extra or "nothing"](state, ctx)

    def on_disconnect(self, state: Hand, ctx: Context[Stakes]) -> None:
        state.extra = f"{ctx.seat} is away"

    def reveal(self, state: Hand, seat: int | None) -> dict[str, object]:
        if state.extra == "no view":
            raise KeyError("ace of spades")
        if seat is None:
            return {}
        return {"hands": {seat: [{"suit": card.suit, "value": card.value} for card in state.hands[seat]]}}

    def migrate_state(self, old: dict[str, Any], from_version: str) -> dict[str, Any]:
        if from_version == "1":
            old["pot"] = old.pop("money")
        return old


def raises(error: BaseException) -> Callable[[Hand, Context[Stakes]], object]:
    def misdeed(state: Hand, ctx: Context[Stakes]) -> object:
        raise error

    return misdeed


def sets(name: str, value: object) -> Callable[[Hand, Context[Stakes]], object]:
    def misdeed(state: Hand, ctx: Context[Stakes]) -> object:
        setattr(state, name, value)
        return None

    return misdeed


class Hearts(Card):
    broken: bool = False


MISDEEDS: dict[str, Callable[[Hand, Context[Stakes]], object]] = {
    "nothing": lambda state, ctx: None,
    "key error": raises(KeyError("ace of spades")),
    "recursion": raises(RecursionError()),
    "refuse": raises(NotYourTurn(turn=1)),
    "refuse with a card": raises(IllegalAction("no", card=Card("hearts", 12), at=(1, 2))),
    "refuse with an object": raises(IllegalAction("no", thing=object())),
    "set self": lambda state, ctx: setattr(Poker(), "deck", []),
    "set settings": lambda state, ctx: setattr(ctx.settings, "blind", 50),
    "wrong type": sets("pot", None),
    "not a number": sets("scores", [float("nan")]),
    "an object": sets("extra", object()),
    "a tuple in Any": sets("extra", (1, 2)),
    "int keys in Any": sets("extra", {1: 2}),
    "a surrogate": sets("extra", "\ud800"),
    "a subclass": sets("hands", {0: [Hearts("hearts", 1, broken=True)]}),
    "a struct in Any": sets("extra", Card("hearts", 1)),
    "answer a number": lambda state, ctx: 3,
    "answer an object": lambda state, ctx: {"thing": object()},
    "announce nonsense": lambda state, ctx: ctx.announce({"x": 2**64}),
}


@pytest.fixture(scope="module")
def poker() -> GameType:
    return load_game(Poker)


def context(poker: GameType, seat: int | None = None) -> Context[Any]:
    return Context(
        seat=seat, round=1, players=(0, 1), settings=poker.settings({}), now=0, random=GameRandom(bytes(32))
    )


@pytest.fixture
def hand(poker: GameType) -> Hand:
    state = poker.setup(context(poker))
    assert isinstance(state, Hand)
    return state


def do(poker: GameType, hand: Hand, what: str) -> object:
    return poker.act(hand, context(poker, seat=0), poker.action({"type": "do", "what": what}))


# --- what clients send ----------------------------------------------------------------------------------------


def test_names_that_python_keeps_for_itself(poker: GameType, hand: Hand) -> None:
    sent = poker.action({"type": "raise", "by": 5, "from": 3})
    answer = poker.act(hand, context(poker, seat=0), sent)
    assert answer == {"pot": 6, "from": 3, "card": {"suit": "hearts"}}
    assert poker.act(hand, context(poker, seat=0), poker.action({"type": "pass"})) == {}


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"type": "raise"}, {"#/action/by": "this field is missing"}),
        ({"type": "raise", "by": "5"}, {"#/action/by": "expected an integer, got a string"}),
        (
            {"type": "raise", "bye": 5, "from": None},
            {
                "#/action/bye": "there is no such field; did you mean by?",
                "#/action/from": "expected an integer, got null",
                "#/action/by": "this field is missing",
            },
        ),
        (
            {"type": "raise", "by": 1, "a/b~": 1},
            {"#/action/a~1b~0": "there is no such field; known are by, from"},
        ),
        (
            {"type": "raise", "by": 1, "from_": 1},
            {"#/action/from_": "there is no such field; did you mean from?"},
        ),
        (
            {"type": "bets", "bets": [{"amount": 1}, {"amount": -1}]},
            {"#/action/bets/1/amount": "expected an integer >= 0"},
        ),
        (
            {"type": "bets", "bets": [], "side": {"x": {"amount": -1}}},
            {"#/action/side": "expected an integer >= 0"},
        ),
        ({}, {"#/action/type": "must be the name of an action: raise, bets, pass, do"}),
        ({"type": 3}, {"#/action/type": "must be the name of an action: raise, bets, pass, do"}),
    ],
)
def test_every_wrong_field_is_named(poker: GameType, sent: dict[str, Any], errors: dict[str, str]) -> None:
    with pytest.raises(ValidationFailed) as caught:
        poker.action(sent)
    assert {error.pointer: error.detail for error in caught.value.errors} == errors
    assert all(pointer in str(caught.value) for pointer in errors)


def test_errors_are_bounded(poker: GameType) -> None:
    with pytest.raises(ValidationFailed) as caught:
        poker.action({"type": "pass", **{f"field{n}": n for n in range(1000)}})
    assert len(caught.value.errors) == 20


def test_an_endless_field_of_an_action_is_not_repeated_whole(poker: GameType) -> None:
    with pytest.raises(ValidationFailed) as caught:
        poker.action({"type": "pass", "x" * 60_000: 1})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("name", "meant"),
    [("rais", "raise"), ("RAISE", "raise"), ("xyzzy", None), ("", None), ("x" * 100_000, None)],
)
def test_the_nearest_action_is_suggested(poker: GameType, name: str, meant: str | None) -> None:
    with pytest.raises(UnknownAction) as caught:
        poker.action({"type": name})
    assert caught.value.params == {"did_you_mean": meant}
    assert len(str(caught.value)) < 200


def test_settings(poker: GameType) -> None:
    assert poker.settings({"blind": 2}) == Stakes(blind=2, limit=10)
    assert load_game(TicTacToe).settings({}) == NoSettings()


@pytest.mark.parametrize(
    ("raw", "errors"),
    [
        ({"blind": 0}, {"#/settings/blind": "expected an integer >= 1"}),
        ({"blimd": 1, "limit": []}, {"#/settings/blimd": "there is no such field; did you mean blind?",
                                     "#/settings/limit": "expected an integer, got an array"}),
        ({"blind": 50}, {"#/settings": "the limit must not be below the blind"}),
    ],
)  # fmt: skip
def test_wrong_settings(poker: GameType, raw: dict[str, Any], errors: dict[str, str]) -> None:
    with pytest.raises(ValidationFailed) as caught:
        poker.settings(raw)
    assert {error.pointer: error.detail for error in caught.value.errors} == errors


def test_a_wrong_choice_lists_the_right_ones() -> None:
    class Throwing(TicTacToe):
        @action
        def throw(self, state: Any, ctx: Context, hand: Literal["rock", "paper"] | None) -> None: ...

    with pytest.raises(ValidationFailed) as caught:
        load_game(Throwing).action({"type": "throw", "hand": "lizard"})
    assert caught.value.errors[0].detail == "must be one of paper, rock"


def test_a_dict_with_numbers_as_keys_is_sent_as_json_writes_it() -> None:
    class Bidding(TicTacToe):
        @action
        def bid(self, state: Any, ctx: Context, by_seat: dict[int, int]) -> None: ...

    bidding = load_game(Bidding)
    sent = bidding.action({"type": "bid", "by_seat": {"1": 20, "0": 5}})
    assert msgspec.structs.asdict(sent) == {"by_seat": {1: 20, 0: 5}}
    with pytest.raises(ValidationFailed) as caught:
        bidding.action({"type": "bid", "by_seat": {"x": 20}})
    assert [error.pointer for error in caught.value.errors] == ["#/action/by_seat"]


# --- storing --------------------------------------------------------------------------------------------------


def test_the_state_is_read_back_as_it_was(poker: GameType, hand: Hand) -> None:
    assert poker.decode(poker.encode(hand)) == hand


@pytest.mark.parametrize("data", [b"", b"{}", b"null", b"[" * 10_000, b"\xff", b'{"deck": 3}'])
def test_damage_is_a_failure_of_the_game(poker: GameType, data: bytes) -> None:
    with pytest.raises(GameFailed, match="reading its state"):
        poker.decode(data)


def test_a_game_without_state_has_none_to_read() -> None:
    with pytest.raises(GameFailed, match="relay keeps no state"):
        load_game(Relay).decode(b"null")


def test_an_older_state_is_migrated(poker: GameType, hand: Hand) -> None:
    old = msgspec.json.decode(poker.encode(hand))
    old["money"] = old.pop("pot") + 41
    migrated = poker.migrate(msgspec.json.encode(old), "1")
    assert isinstance(migrated, Hand)
    assert migrated.pot == 42
    assert migrated.hands == hand.hands


def test_a_field_that_is_gone_is_not_dropped_in_silence(poker: GameType, hand: Hand) -> None:
    stored = msgspec.json.decode(poker.encode(hand))
    with pytest.raises(GameFailed, match="reading its state"):
        poker.decode(msgspec.json.encode({**stored, "score": 3}))


@pytest.mark.parametrize("data", [b"{}", b"[]", b"x"])
def test_a_migration_that_fails(poker: GameType, data: bytes) -> None:
    with pytest.raises(GameFailed):
        poker.migrate(data, "1")


def test_without_a_migration_defaults_fill_what_is_new() -> None:
    tic_tac_toe = load_game(TicTacToe)
    assert tic_tac_toe.view(tic_tac_toe.migrate(b'{"turn": 1}', "0"), None)["turn"] == 1


# --- playing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("key error", r"The game failed in do \(KeyError\)$"),
        ("recursion", r"The game failed in do \(RecursionError\)$"),
        ("refuse with an object", "The game failed in do .*#/thing: a object cannot be sent"),
        ("set self", "failed in do .self.deck = …: a Game holds no state"),
        ("set settings", "failed in do .settings.blind = …: settings are the room's"),
        ("wrong type", "a value is not of its declared type"),
        ("not a number", "a value is not of its declared type"),
        ("an object", "failed in storing its state .TypeError"),
        ("a tuple in Any", "read back otherwise than it was stored: extra"),
        ("int keys in Any", "read back otherwise than it was stored: extra"),
        ("a surrogate", "failed in storing its state"),
        ("a subclass", "failed in storing its state"),
        ("a struct in Any", "read back otherwise than it was stored: extra"),
        ("answer a number", "do returned int; an answer is an object"),
        ("answer an object", "failed in do .#/thing: a object cannot be sent"),
        ("announce nonsense", "failed in do .ctx.announce: #/x: an integer"),
    ],
)
def test_misdeeds_of_a_game_are_its_failures(poker: GameType, hand: Hand, what: str, sentence: str) -> None:
    with pytest.raises(GameFailed, match=sentence):
        do(poker, hand, what)


def test_the_cause_of_a_failure_is_kept_for_the_log_and_not_told(poker: GameType, hand: Hand) -> None:
    with pytest.raises(GameFailed) as caught:
        do(poker, hand, "key error")
    assert repr(caught.value.__cause__) == "KeyError('ace of spades')"
    assert "ace" not in caught.value.message


def test_interrupts_are_not_the_games() -> None:
    """An operator's Ctrl-C must not become a player's error."""

    class Interrupted(TicTacToe):
        def reveal(self, state: Any, seat: int | None) -> dict[str, object]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_game(Interrupted).view(TicTacToe().setup(context(load_game(TicTacToe))), 0)


def test_refusals_pass(poker: GameType, hand: Hand) -> None:
    with pytest.raises(NotYourTurn):
        do(poker, hand, "refuse")


def test_the_details_of_a_refusal_are_shown_as_a_view_is(poker: GameType, hand: Hand) -> None:
    with pytest.raises(IllegalAction) as caught:
        do(poker, hand, "refuse with a card")
    assert caught.value.params == {"reason": "no", "card": {"suit": "hearts"}, "at": [1, 2]}


@pytest.mark.parametrize("what", ["refuse", "key error", "wrong type"])
def test_a_timer_has_nobody_to_refuse(poker: GameType, hand: Hand, what: str) -> None:
    hand.extra = what
    with pytest.raises(GameFailed):
        poker.fire("too_slow", hand, context(poker))


@pytest.mark.parametrize(("seconds", "right"), [(0, False), (0.099, False), (0.1, True)])
def test_a_timer_rests_before_the_next_that_it_sets(
    poker: GameType, hand: Hand, monkeypatch: pytest.MonkeyPatch, seconds: float, right: bool
) -> None:
    monkeypatch.setitem(MISDEEDS, "go on", lambda state, ctx: ctx.after(seconds, Poker.too_slow))
    hand.extra = "go on"
    with nullcontext() if right else pytest.raises(GameFailed, match="too_slow sets too_slow for less than"):
        poker.fire("too_slow", hand, context(poker))


def test_a_timer_of_another_version_does_nothing(poker: GameType, hand: Hand) -> None:
    hand.extra = "key error"
    before = poker.encode(hand)
    poker.fire("gone", hand, context(poker))
    assert poker.encode(hand) == before


def test_hooks(poker: GameType, hand: Hand) -> None:
    assert poker.has_hook("on_disconnect")
    poker.member_disconnected(hand, context(poker, seat=1))
    assert hand.extra == "1 is away"
    assert not poker.has_hook("on_return")
    poker.member_returned(hand, context(poker, seat=1))


def test_leaving_abandons_unless_the_game_says_otherwise(poker: GameType, hand: Hand) -> None:
    ctx = context(poker, seat=1)
    poker.member_left(hand, ctx)
    assert ctx.effects.ending is not None
    assert ctx.effects.ending.reason == "abandoned"
    relay = load_game(Relay)
    relay_ctx = context(relay, seat=1)
    relay.member_left(None, relay_ctx)
    assert relay_ctx.effects.ending is None


def test_a_game_that_always_plays_cannot_end() -> None:
    class Ending(Relay):
        @action
        def stop(self, state: None, ctx: Context) -> None:
            ctx.end()

    game = load_game(Ending)
    with pytest.raises(GameFailed, match="cannot end"):
        game.act(None, context(game, seat=0), game.action({"type": "stop"}))


def test_setup_must_return_the_state() -> None:
    class Forgetful(TicTacToe):
        def setup(self, ctx: Context) -> Any:
            pass

    with pytest.raises(GameFailed, match="setup returned NoneType, not Board"):
        load_game(Forgetful).setup(context(load_game(Forgetful)))


def test_setup_may_refuse(poker: GameType) -> None:
    class Full(TicTacToe):
        def setup(self, ctx: Context) -> Any:
            raise IllegalAction("odd_players")

    with pytest.raises(IllegalAction):
        load_game(Full).setup(context(poker))


def test_setup_may_be_left_out() -> None:
    class Counter(GameState):
        value: int = 7

    class Counting(Game[Counter]):
        name = "counting"
        min_players = max_players = 1

        @action
        def add(self, state: Any, ctx: Context) -> None: ...

    assert load_game(Counting).setup(context(load_game(Counting))) == Counter(7)


def test_a_game_without_state_can_still_be_set_up() -> None:
    class Greeting(Game[None]):
        name = "greeting"
        min_players = max_players = 1

        def setup(self, ctx: Context) -> None:
            ctx.announce({"type": "hello"})

        @action
        def wave(self, state: None, ctx: Context) -> None: ...

    game = load_game(Greeting)
    ctx = context(game)
    assert game.setup(ctx) is None
    assert len(ctx.effects.announcements) == 1


def test_any_refusal_of_the_tree_passes(poker: GameType, hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MISDEEDS, "unavailable", raises(Unavailable("later")))
    with pytest.raises(Unavailable):
        do(poker, hand, "unavailable")


# --- views ----------------------------------------------------------------------------------------------------


def test_each_seat_sees_its_own_hand_in_its_place(poker: GameType, hand: Hand) -> None:
    hidden = [{"suit": "hearts"}, {"suit": "hearts"}]
    own = [{"suit": card.suit, "value": card.value} for card in hand.hands[1]]
    base = {"pot": 1, "scores": [], "extra": None}
    assert poker.secretive
    assert poker.view(hand, None) == {**base, "hands": {"0": hidden, "1": hidden}}
    assert poker.view(hand, 1) == {**base, "hands": {"0": hidden, "1": own}}


def test_a_view_that_fails_is_the_games_failure(poker: GameType, hand: Hand) -> None:
    hand.extra = "no view"
    with pytest.raises(GameFailed, match=r"failed in reveal \(KeyError\)$"):
        poker.view(hand, 0)


def test_a_view_that_cannot_be_sent(poker: GameType, hand: Hand) -> None:
    hand.pot = 2**70
    with pytest.raises(GameFailed, match="#/pot: an integer"):
        poker.view(hand, 0)


def test_reveal_must_return_an_object() -> None:
    class Shy(TicTacToe):
        def reveal(self, state: Any, seat: int | None) -> Any:
            return None

    game = load_game(Shy)
    with pytest.raises(GameFailed, match="reveal"):
        game.view(game.setup(context(game)), 0)


# --- the games of a server ------------------------------------------------------------------------------------


def test_games_by_name(poker: GameType) -> None:
    games = Games([poker, load_game(Relay)])
    assert games.get("poker") is poker
    assert games.names() == ["poker", "relay"]
    assert [game.name for game in games] == ["poker", "relay"]
    with pytest.raises(UnknownGame) as caught:
        games.get("chess")
    assert caught.value.params == {"games": ["poker", "relay"]}


def test_two_games_of_one_name(poker: GameType) -> None:
    with pytest.raises(GameDefinitionError, match="Two games are called 'poker'"):
        Games([poker, poker])


NAMESPACE = {"__name__": __name__, "TicTacToe": TicTacToe, "LINES": [1]}


def test_a_module_defines_the_games_that_it_does_not_import() -> None:
    assert games_in({**NAMESPACE, "Poker": Poker, "Alias": Poker}) == [Poker]
    assert game_in({**NAMESPACE, "Poker": Poker}) is Poker


def test_a_base_for_games_is_no_game() -> None:
    class Base(Game[Hand]):
        pass

    class Derived(Base):
        name = "derived"

    assert games_in({**NAMESPACE, "Base": Base, "Derived": Derived}) == [Derived]
    assert games_in({**NAMESPACE, "Base": Base}) == [Base]


@pytest.mark.parametrize(
    ("names", "named", "sentence"),
    [
        ([], None, "there is no game: a game is a class derived from Game"),
        ([], "Poker", "there is no game: a game is a class derived from Game"),
        (["Poker", "Rummy"], None, "several games, Poker and Rummy: name one, such as my_game.py:Poker"),
        (["Poker", "Rummy"], "Skat", "there is no game Skat, but Poker and Rummy"),
    ],
)
def test_no_choice(names: list[str], named: str | None, sentence: str) -> None:
    class Rummy(Poker):
        pass

    kinds: dict[str, object] = {"Poker": Poker, "Rummy": Rummy}
    with pytest.raises(GameDefinitionError, match=sentence):
        game_in({**NAMESPACE, **{name: kinds[name] for name in names}}, named)
