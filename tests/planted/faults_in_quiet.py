"""Faults in what becomes of rooms over time: how much is read to open them, kept of them, and waited for them."""

from tests.planted.fault import Edit, Faults, fault

ROOMS = "backend/gameroom/rooms"
ACTOR = f"{ROOMS}/actor.py"
RESTING = f"{ROOMS}/resting.py"
SWEEP = f"{ROOMS}/sweep.py"
WATCHDOG = f"{ROOMS}/watchdog.py"

T_RESTING = "tests/unit/rooms/test_resting.py"
T_SNAPSHOTS = "tests/unit/rooms/test_snapshots.py"
T_WATCHDOG = "tests/unit/rooms/test_watchdog.py"

FAULTS: Faults = {
    "Opening a room never reads more than so many records": (
        fault(
            "each owner counts the records since a snapshot from nothing",
            Edit(ACTOR, "        self._unsnapped = opened.unsnapped\n", ""),
            f"{T_SNAPSHOTS}::test_opening_reads_no_more_than_one_unit_beyond_the_last_snapshot_whatever_dies",
        ),
        fault(
            "a room goes on while its snapshot is kept",
            Edit(ACTOR, " or self._stopped or self._saving\n", " or self._stopped\n"),
            f"{T_SNAPSHOTS}::test_a_room_waits_while_its_snapshot_is_kept",
        ),
        fault(
            "a snapshot that failed counts as kept",
            Edit(
                ACTOR,
                "            self._saving = True\n            self._keeper",
                "            self._saving = True\n            self._unsnapped = -100\n            self._keeper",
            ),
            f"{T_SNAPSHOTS}::test_a_snapshot_that_could_not_be_kept_is_made_up_for",
        ),
    ),
    "A room that nothing reaches takes little memory, and loses nothing": (
        fault(
            "rooms never rest",
            Edit(SWEEP, "                resting += actor.rest()\n", "                pass\n"),
            f"{T_RESTING}::test_a_room_that_nothing_reaches_rests_until_something_does",
            f"{T_RESTING}::test_an_idle_room_of_four_takes_less_than_10_kilobytes",
        ),
        fault(
            "a room that was opened is held by its clock after it is put away",
            Edit(
                ACTOR,
                "        for handle in (self._confirmation, self._alarm):\n",
                "        for handle in (self._alarm,):\n",
            ),
            f"{T_RESTING}::test_two_thousand_rooms_are_put_away_and_opened_again_without_growth",
        ),
        fault(
            "a room at rest forgets play that no record tells",
            Edit(RESTING, "events=None if journaled else room.memory.recent.packed(),", "events=None,"),
            f"{T_RESTING}::test_play_that_is_not_journaled_is_as_it_was_after_a_rest",
        ),
        fault(
            "a room at rest forgets what it has not saved",
            Edit(
                RESTING,
                "memory=replace(room.memory, recent=NO_EVENTS),",
                "memory=replace(room.memory, recent=NO_EVENTS, unsaved={}),",
            ),
            f"{T_RESTING}::test_what_unjournaled_play_changed_is_in_the_next_record_after_a_rest_too",
        ),
    ),
    "A turn that keeps the server waiting is named": (
        fault(
            "nobody says what the loop does",
            Edit(ACTOR, "        self._watchdog.turn = (self.room_id, self.room.game_type.name)\n", ""),
            f"{T_WATCHDOG}::test_a_turn_that_takes_long_is_named_once_with_room_game_and_place",
        ),
        fault(
            "a turn is not over for the watchdog when it ends",
            Edit(
                ACTOR,
                "        finally:\n            self._watchdog.turn = None\n",
                "        finally:\n            pass\n",
            ),
            f"{T_WATCHDOG}::test_a_loop_that_waits_is_not_named",
        ),
        fault(
            "many short turns pass for a long one",
            (
                Edit(
                    WATCHDOG, "            if self.turn is not seen:\n", "            if self.turn != seen:\n"
                ),
                Edit(WATCHDOG, "        if self.turn is turn:\n", "        if self.turn == turn:\n"),
            ),
            f"{T_WATCHDOG}::test_turns_that_are_short_are_not_named_however_many",
        ),
    ),
}
