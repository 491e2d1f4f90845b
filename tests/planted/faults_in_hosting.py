"""Faults in who may come into a room, how many rooms that may be, and how members are shown."""

from tests.planted.fault import Edit, Faults, fault

ROOMS = "backend/gameroom/rooms"
ACTOR = f"{ROOMS}/actor.py"
CREATION = f"{ROOMS}/creation.py"
ENTRANCE = f"{ROOMS}/entrance.py"
HOSTING = f"{ROOMS}/handlers/hosting.py"
LOCAL = f"{ROOMS}/local.py"
MAILBOX = f"{ROOMS}/mailbox.py"
ENTRIES = f"{ROOMS}/entries.py"
MEMBERSHIP = f"{ROOMS}/handlers/membership.py"
ROOM = f"{ROOMS}/room.py"
SYSTEM = f"{ROOMS}/handlers/system.py"
UPDATING = f"{ROOMS}/handlers/updating.py"

TESTS = "tests/unit/rooms"
T_CARDS = f"{TESTS}/test_cards.py"
T_ENTRANCE = f"{TESTS}/test_entrance.py"
T_MAKING = "tests/unit/rooms/test_making.py"
T_HOSTING = f"{TESTS}/test_hosting.py"
T_NEWS = f"{TESTS}/test_news.py"
T_KILL = "tests/e2e/test_kill_and_restart.py"

FAULTS: Faults = {
    "Who is kept out stays out": (
        fault(
            "a ban is forgotten at once",
            Edit(HOSTING, "    if command.ban:\n", "    if False:\n"),
            f"{T_HOSTING}::test_who_is_banned_stays_out_whatever_it_brings_and_whatever_happens",
            f"{T_KILL}::test_whom_the_host_kept_out_stays_out",
        ),
        fault(
            "an invite code lets the banned in",
            Edit(
                MEMBERSHIP,
                "    if sender.user_id in room.bans:\n",
                "    if sender.user_id in room.bans and command.invite_code is None:\n",
            ),
            f"{T_HOSTING}::test_who_is_banned_stays_out_whatever_it_brings_and_whatever_happens",
        ),
        fault(
            "an update is told and not done",
            Edit(
                UPDATING,
                "    turn.state.change_room(**{_in_state(field): value for field, value in given.items()})\n",
                "",
            ),
            f"{T_HOSTING}::test_an_update_holds_for_the_next_newcomer",
            f"{T_KILL}::test_whom_the_host_kept_out_stays_out",
        ),
        fault(
            "who knows where a room stands knows its next invite code",
            Edit(UPDATING, "blake2b(moment, key=turn.state.play.random_key, ", "blake2b(moment, "),
            f"{T_HOSTING}::test_a_fresh_invite_code_lets_in_and_cannot_be_foreseen",
        ),
        fault(
            "a code that another room has is tried again for ever",
            Edit(UPDATING, 'f"{turn.next_seq}@{turn.now}"', 'f"{turn.next_seq}"'),
            f"{T_HOSTING}::test_a_code_that_was_not_taken_is_not_tried_again",
        ),
    ),
    "Nobody is in more rooms than allowed": (
        fault(
            "rooms are not counted",
            Edit(MEMBERSHIP, "sender.elsewhere >= limit:", "sender.elsewhere < 0:"),
            f"{T_ENTRANCE}::test_who_is_in_enough_rooms_comes_into_no_other_and_makes_none",
        ),
        fault(
            "rooms that a user is about to enter are not counted",
            Edit(ENTRANCE, "{*stored, *kept.before}", "{*stored}"),
            f"{T_ENTRANCE}::test_of_two_that_are_under_way_at_the_limit_the_first_comes_in",
        ),
        fault(
            "a place is kept for ever",
            Edit(ENTRANCE, "            self._kept.give_back(kept)\n", ""),
            f"{T_ENTRANCE}::test_of_two_that_are_under_way_at_the_limit_the_first_comes_in",
        ),
        fault(
            "at the limit a CREATE that was done is refused",
            Edit(
                CREATION,
                "        except GameroomError as error:\n",
                "        except ZeroDivisionError as error:\n",
            ),
            f"{T_ENTRANCE}::test_what_was_done_is_answered_again_however_many_rooms_it_is_in",
            f"{T_MAKING}::test_who_makes_too_many_rooms_still_hears_of_those_made",
        ),
        fault(
            "a user makes rooms without end",
            Edit(f"{ROOMS}/making.py", "if self._made[user_id] >= self._rooms_a_minute:", "if False:"),
            f"{T_MAKING}::test_who_makes_rooms_without_end_is_told_to_wait",
        ),
        fault(
            "what a newcomer asks next overtakes its JOIN",
            Edit(
                ENTRANCE,
                "        if behind is None:\n            self._begin",
                "        if True:\n            self._begin",
            ),
            f"{T_ENTRANCE}::test_nothing_overtakes_a_newcomer_that_is_being_counted",
        ),
        fault(
            "the end of a connection overtakes the JOIN that attaches it",
            Edit(
                ENTRANCE,
                "        if behind is None:\n            self._inside.let_go",
                "        if True:\n            self._inside.let_go",
            ),
            f"{T_ENTRANCE}::test_a_connection_that_goes_while_its_join_is_counted_does_not_stay",
        ),
    ),
    "Members are shown as they are, and only while they are": (
        fault(
            "a new card is told and not shown",
            Edit(
                SYSTEM,
                "    turn.state.change_member(user_id, shown=mark_of(user_id, card, turn.policy.card_key))\n",
                "",
            ),
            f"{T_CARDS}::test_a_new_card_is_shown_to_everybody",
        ),
        fault(
            "news of one user pile up before a room",
            Edit(
                MAILBOX,
                "deque(entry for entry in self._entries if not news.settles(entry))",
                "deque(self._entries)",
            ),
            f"{T_NEWS}::test_of_many_news_that_wait_the_room_hears_the_last",
        ),
        fault(
            "a late card undoes the end of an account",
            Edit(
                ENTRIES,
                "return self.card is None or entry.card is not None",
                "return True",
            ),
            f"{T_NEWS}::test_a_late_card_does_not_bring_back_a_deleted_account_before_the_room",
        ),
        fault(
            "rooms that are not open keep who has no account any more",
            Edit(
                LOCAL,
                "actor = None if unable else self._actor(room_id)",
                "actor = None if unable else self._actors.get(room_id)",
            ),
            f"{T_NEWS}::test_who_deletes_its_account_leaves_every_room_open_or_not",
        ),
        fault(
            "an opened room does not ask who has no account any more",
            Edit(LOCAL, "for user_id in room.without_account():", "for user_id in ():"),
            f"{T_NEWS}::test_a_death_before_the_rooms_have_heard_changes_nothing_of_that",
        ),
        fault(
            "the name of a deleted account is told again to who resumes",
            Edit(
                ROOM, "        self.viewpoint.cards.forget(user_id)\n        system.end", "        system.end"
            ),
            f"{T_CARDS}::test_a_deleted_account_is_shown_as_nobody_to_who_resumes",
        ),
        fault(
            "a room keeps the card of everybody who has ever joined",
            Edit(ROOM, "self._forget_leaver(key.removeprefix(LEFT))", "pass"),
            f"{T_CARDS}::test_cards_of_leavers_are_forgotten_with_their_command_ids",
        ),
        fault(
            "news look only for the rooms that their user is in already",
            Edit(ENTRANCE, "return {*entering, *await", "return {*await"),
            f"{T_NEWS}::test_a_new_card_does_not_overtake_who_comes_in",
            f"{T_NEWS}::test_a_new_card_does_not_overtake_who_makes_a_room",
            f"{T_NEWS}::test_the_end_of_an_account_does_not_overtake_who_comes_in",
        ),
        fault(
            "news overtake who comes in",
            Edit(ENTRANCE, "        if not self._is_coming(line):\n", "        if True:\n"),
            f"{T_NEWS}::test_a_new_card_does_not_overtake_who_comes_in",
            f"{T_NEWS}::test_a_new_card_does_not_overtake_who_makes_a_room",
            f"{T_NEWS}::test_the_end_of_an_account_does_not_overtake_who_comes_in",
        ),
        fault(
            "news wait for the first of many JOINs only",
            Edit(ENTRANCE, "        return line in self._behind or ", "        return "),
            f"{T_NEWS}::test_news_wait_for_the_last_of_many_joins",
        ),
    ),
}
