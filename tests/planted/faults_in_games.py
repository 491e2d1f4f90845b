"""Faults in what games are told, and in what is told of them."""

from tests.planted.fault import Edit, Faults, fault

PLAY = "backend/gameroom/rooms/handlers/play.py"
MEMBERSHIP = "backend/gameroom/rooms/handlers/membership.py"
SCHEMAS = "backend/gameroom/games/schemas.py"
SECRECY = "backend/gameroom/testkit/secrecy.py"
OBSERVER = "backend/gameroom/testkit/observer.py"
RANDOM_PLAY = "backend/gameroom/testkit/random_play.py"

T_HANDLERS = "tests/unit/rooms/test_handlers.py"
T_SCHEMAS = "tests/unit/games/test_schemas.py"
T_GAMES_SCHEMAS = "tests/property/test_game_schemas.py"
T_CHECK = "tests/unit/testkit/test_check_game.py"

FAULTS: Faults = {
    "A game knows who is there": (
        fault(
            "a late player comes in unannounced",
            Edit(
                MEMBERSHIP,
                "    play.notify(turn, turn.game_type.member_joined, turn.state.round_seat(sender.user_id))\n",
                "",
            ),
            f"{T_HANDLERS}::test_a_game_that_lets_late_players_in_is_told_of_each",
        ),
        fault(
            "who is away when a round begins is taken for present",
            Edit(PLAY, "    _name_the_absent(turn, players)\n", ""),
            f"{T_HANDLERS}::test_a_game_is_told_who_is_away_when_its_round_begins",
        ),
        fault(
            "who comes back is still away for the game",
            Edit(
                MEMBERSHIP,
                "    play.notify(turn, turn.game_type.member_returned, turn.state.round_seat(user_id))\n",
                "",
            ),
            f"{T_HANDLERS}::test_a_game_is_told_who_is_away_and_who_is_back",
        ),
        fault(
            "a game that goes on is not told of a leaver",
            Edit(
                MEMBERSHIP, "        play.notify(turn, turn.game_type.member_left, seat)\n", "        pass\n"
            ),
            f"{T_HANDLERS}::test_a_game_may_go_on_without_a_leaver",
        ),
    ),
    "The schemas of a game are true": (
        fault(
            "what is hidden is always there",
            Edit(SCHEMAS, "[field for field in info.fields if not is_hidden(field.type)]", "[*info.fields]"),
            f"{T_SCHEMAS}::test_a_view_has_all_that_is_shown_and_nothing_of_what_is_hidden",
            f"{T_GAMES_SCHEMAS}::test_all_that_is_seen_and_accepted_is_as_the_schemas_say",
        ),
        fault(
            "what is revealed is told of no game",
            Edit(SCHEMAS, '"reveal" in definition.hooks', "False"),
            f"{T_SCHEMAS}::test_what_is_hidden_may_be_revealed_in_its_own_form",
        ),
        fault(
            "a view has nothing but what is told of it",
            Edit(
                SCHEMAS,
                '        "type": "object",\n',
                '        "type": "object", "additionalProperties": False,\n',
            ),
            f"{T_SCHEMAS}::test_what_is_hidden_may_be_revealed_in_its_own_form",
            f"{T_GAMES_SCHEMAS}::test_all_that_is_seen_and_accepted_is_as_the_schemas_say",
        ),
        fault(
            "any action may bear the name of another",
            Edit(SCHEMAS, '["type"] = {"const": kind.__struct_config__.tag}', '["type"] = {}'),
            f"{T_GAMES_SCHEMAS}::test_the_server_takes_the_actions_that_the_schema_allows",
        ),
    ),
    "`check_game` finds what it says": (
        fault(
            "what a step tells is not compared",
            Edit(
                SECRECY,
                "        if not self._reveals.isdisjoint(step.called(outcome)):\n",
                "        if step:\n",
            ),
            f"{T_CHECK}::test_leaks_are_found",
        ),
        fault(
            "views are not held to their schema",
            Edit(
                OBSERVER,
                '        self._described.check_view(view, f"After {after}, the view of {seat}")\n',
                "",
            ),
            f"{T_CHECK}::test_a_view_that_the_schema_does_not_tell_is_found",
        ),
        fault(
            "the step is not taken a second time",
            Edit(OBSERVER, "_position(twin) == _position(self._table),", "twin is not None,"),
            f"{T_CHECK}::test_mistakes_are_found",
        ),
        fault(
            "no end is asked for",
            Edit(RANDOM_PLAY, "    if not finished:\n", "    if False:\n"),
            f"{T_CHECK}::test_what_never_happens_is_missed_at_the_end",
        ),
    ),
}
