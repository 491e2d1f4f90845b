"""Faults in the tools for journals at rest, and in what removes them."""

from tests.planted.fault import Edit, Faults, fault

ROOMS = "backend/gameroom/rooms"
STORAGE = "backend/gameroom/storage"
ARCHIVE = f"{ROOMS}/archive.py"
EXPORT = f"{ROOMS}/export.py"
REPLAY = f"{ROOMS}/replay.py"
RESTORING = f"{ROOMS}/restoring.py"
RETENTION = f"{ROOMS}/retention.py"
VERIFICATION = f"{ROOMS}/verification.py"
EPOCHS = f"{STORAGE}/epochs.py"
REMOVING = f"{STORAGE}/retention.py"

C_EPOCHS = "tests/contract/test_epochs.py"
C_CLOSED = "tests/contract/test_closed_rooms.py"
T_EXPORT = "tests/unit/rooms/test_export.py"
T_REPLAY = "tests/unit/rooms/test_replay.py"
T_VERIFICATION = "tests/unit/rooms/test_verification.py"
E_TOOLS = "tests/e2e/test_journal_tools.py"

FAULTS: Faults = {
    "Whatever is damaged at rest is found": (
        fault(
            "missing records are not missed",
            Edit(
                VERIFICATION,
                "        if sealed.seq > before.seq + 1:\n",
                "        if sealed.seq > before.seq + 100:\n",
            ),
            f"{T_VERIFICATION}::test_damage_is_found",
            f"{T_VERIFICATION}::test_without_the_game_a_record_of_play_tells_that_play_is_journaled",
        ),
        fault(
            "hashes are not looked at",
            Edit(
                f"{ROOMS}/records.py",
                "    if hash_of(stored.body) != stored.hash:\n",
                "    if False and hash_of(stored.body) != stored.hash:\n",
            ),
            f"{E_TOOLS}::test_a_flipped_bit_is_found_beside_the_server",
        ),
        fault(
            "only the first page is read",
            Edit(ARCHIVE, "        after = page[-1].seq\n", "        return\n"),
            f"{T_VERIFICATION}::test_longer_journals_than_a_page_are_read_whole",
            "tests/contract/test_archive.py::test_a_history_ends_where_it_did_at_that_moment",
        ),
        fault(
            "gaps that are meant count as damage",
            (
                Edit(VERIFICATION, "        if self._journaled is not False:\n", "        if True:\n"),
                Edit(VERIFICATION, "        if not self._journaled:\n            return\n", ""),
            ),
            f"{T_VERIFICATION}::test_gaps_are_no_damage_where_play_is_not_journaled",
            "tests/property/test_room_machine.py::TestRelay",
        ),
        fault(
            "what is removed meanwhile counts as damage",
            Edit(
                VERIFICATION,
                "    if checked is not None and checked.findings:\n",
                "    if checked is None:\n",
            ),
            f"{T_VERIFICATION}::test_a_room_that_is_removed_while_it_is_checked_is_not_there",
        ),
    ),
    "A past moment is shown as it was seen": (
        fault(
            "everybody sees with the eyes of a spectator",
            Edit(
                REPLAY,
                "viewpoint.room(seat if viewpoint.secretive else None)",
                "viewpoint.room(None)",
            ),
            f"{T_REPLAY}::test_each_seat_sees_its_own_hand_and_a_spectator_none",
            f"{E_TOOLS}::test_every_view_that_a_client_had_is_shown_again",
        ),
        fault(
            "whispers are heard by all",
            Edit(
                REPLAY,
                "        if record.audience is not None and sight.user_id not in record.audience:\n",
                "        if False:\n",
            ),
            f"{T_REPLAY}::test_whispers_stay_between_two",
            f"{E_TOOLS}::test_every_view_that_a_client_had_is_shown_again",
        ),
        fault(
            "announcements of the past reach every seat",
            Edit(REPLAY, "if a.to is None or sight.seat in a.to]", "]"),
            f"{T_REPLAY}::test_every_viewer_hears_again_what_it_heard",
        ),
    ),
    "What is handed on of a room opens nothing and foretells nothing": (
        fault(
            "invite codes are handed on",
            Edit(EXPORT, '    *("name", "visibility",', '    *("invite_code", "name", "visibility",'),
            f"{T_EXPORT}::test_what_opens_a_room_or_foretells_its_chance_is_never_there",
            f"{T_EXPORT}::test_every_field_that_is_stored_has_been_thought_of",
        ),
        fault(
            "whispers are handed on",
            Edit(EXPORT, "record.audience is not None and not self._reveal", "False"),
            f"{T_EXPORT}::test_what_players_hide_is_there_only_if_it_is_wanted",
        ),
        fault(
            "parts that nobody has named are handed on",
            Edit(
                EXPORT,
                "            return _plain(data)\n        raise _Withheld\n",
                "            return _plain(data)\n        return _plain(data)\n",
            ),
            f"{T_EXPORT}::test_fields_that_are_not_named_stay_out",
        ),
    ),
    "Where the database went back, the two histories are not mixed": (
        fault(
            "the epoch goes on",
            Edit(RESTORING, "epoch=position.epoch + 1,", "epoch=position.epoch,"),
            f"{C_EPOCHS}::test_the_epoch_begins_behind_the_last_record",
            f"{E_TOOLS}::test_after_a_restore_the_two_histories_are_never_mixed",
        ),
        fault(
            "chance goes on as in the lost history",
            Edit(RESTORING, "random_key=random_key, random_counter=0", "random_counter=0"),
            f"{C_EPOCHS}::test_no_number_that_was_drawn_in_the_lost_history_is_drawn_again",
        ),
        fault(
            "owners that the database has forgotten may write",
            Edit(RESTORING, "    return max(term + 1, now // 1000)\n", "    return term + 1\n"),
            f"{C_EPOCHS}::test_no_owner_can_write_any_more",
        ),
        fault(
            "a clean hand-over of the former history counts",
            Edit(
                EPOCHS, '"home": None, "released_term": None}', '"home": None, "released_term": first.term}'
            ),
            f"{C_EPOCHS}::test_who_handed_the_room_over_cleanly_did_so_in_another_history",
            f"{C_EPOCHS}::test_no_owner_can_write_any_more",
        ),
        fault(
            "play behind the last record is passed over",
            Edit(
                EPOCHS,
                "    room = begin_with(room_id, None if kept is None else Snapshot(**kept._asdict()))\n",
                "    room = begin_with(room_id, None)\n",
            ),
            f"{C_EPOCHS}::test_it_begins_behind_a_snapshot_that_is_later",
        ),
    ),
    "Only closed rooms go, and only after their time": (
        fault(
            "rooms in play go too",
            Edit(
                REMOVING,
                '_is_closed = rooms.c.status == "closed"',
                "_is_closed = rooms.c.status.is_not(None)",
            ),
            f"{C_CLOSED}::test_an_open_room_never_goes",
            f"{C_CLOSED}::test_all_that_are_old_enough_go_and_the_others_stay",
        ),
        fault(
            "they go while they answer their last commands",
            Edit(RETENTION, "max(keep_ms, AFTERLIFE_MS)", "keep_ms"),
            f"{C_CLOSED}::test_none_goes_while_it_answers_its_last_commands",
        ),
        fault(
            "they go by when they were made",
            Edit(REMOVING, "_is_closed, last_at < moment)", "_is_closed)"),
            f"{C_CLOSED}::test_none_goes_before_its_time",
        ),
        fault(
            "of a long room the end goes first",
            Edit(
                REMOVING,
                "records.c.seq <= surplus))\n",
                "records.c.seq > surplus))\n",
            ),
            f"{C_CLOSED}::test_a_long_room_goes_step_by_step_and_can_be_opened_until_it_is_gone",
        ),
    ),
}
