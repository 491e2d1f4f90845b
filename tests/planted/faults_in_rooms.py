"""Faults in what a room decides, and in when it lets that out."""

from tests.planted.fault import Edit, Faults, fault

ROOMS = "backend/gameroom/rooms"
ACTOR = f"{ROOMS}/actor.py"
CARD_BOOK = f"{ROOMS}/card_book.py"
CREATION = f"{ROOMS}/creation.py"
DAMAGE = f"{ROOMS}/damage.py"
DISCRETION = f"{ROOMS}/discretion.py"
FAILING = f"{ROOMS}/failing.py"
FRAMING = f"{ROOMS}/framing.py"
GUESSING = f"{ROOMS}/guessing.py"
HEADROOM = f"{ROOMS}/headroom.py"
HISTORY = f"{ROOMS}/history.py"
LOCAL = f"{ROOMS}/local.py"
OPENING = f"{ROOMS}/opening.py"
MAILBOX = f"{ROOMS}/mailbox.py"
MEMORY = f"{ROOMS}/memory.py"
MEMBERSHIP = f"{ROOMS}/handlers/membership.py"
RECALL = f"{ROOMS}/recall.py"
RECOLLECTING = f"{ROOMS}/recollecting.py"
RECORDS = f"{ROOMS}/records.py"
RECOVERY = f"{ROOMS}/recovery.py"
REPLIES = f"{ROOMS}/replies.py"
PLAY = f"{ROOMS}/handlers/play.py"
PLACEMENT = f"{ROOMS}/placement.py"
REFUSALS = f"{ROOMS}/refusals.py"
ROOM = f"{ROOMS}/room.py"
ROUTER = f"{ROOMS}/router.py"
SEALING = f"{ROOMS}/sealing.py"
STATE = f"{ROOMS}/state.py"
SWEEP = f"{ROOMS}/sweep.py"
SYSTEM = f"{ROOMS}/handlers/system.py"
TURN = f"{ROOMS}/turn.py"
VIEWS = f"{ROOMS}/views.py"
WINDOW = f"{ROOMS}/window.py"
GAMES = "backend/gameroom/games"
GATEWAY = "backend/gameroom/gateway"

TESTS = "tests/unit/rooms"
T_ACTOR = f"{TESTS}/test_actor.py"
T_DAMAGE = f"{TESTS}/test_damage.py"
T_DECIDING = f"{TESTS}/test_deciding.py"
T_GUESSING = f"{TESTS}/test_guessing.py"
T_HANDLERS = f"{TESTS}/test_handlers.py"
T_HEADROOM = f"{TESTS}/test_headroom.py"
T_HOSTING = f"{TESTS}/test_hosting.py"
T_OPENING = f"{TESTS}/test_opening.py"
T_PUBLISHING = f"{TESTS}/test_publishing.py"
T_RECOVERY = f"{TESTS}/test_recovery.py"
T_REST = f"{TESTS}/test_rest_commands.py"
T_RESUME = f"{TESTS}/test_resume.py"
T_WINDOW = f"{TESTS}/test_window.py"
T_FAILING_GAMES = "tests/regression/test_failing_games.py"
T_REGRESSION = "tests/regression/test_rooms.py"
T_BY_EVENTS = "tests/regression/test_views_change_by_events.py"
T_MACHINE = "tests/property/test_room_machine.py"
T_STORM = "tests/faults/test_storm.py::test_a_small_storm_breaks_no_promise"
T_REFUSALS = "tests/integration/test_refusals.py"

APPEND = "self._journal.append(unit).add_done_callback(self._appended)"

FAULTS: Faults = {
    "Nothing leaves a room before it is stored": (
        fault(
            "events and answers go out while the append is under way",
            Edit(ACTOR, APPEND, f"{APPEND}\n        self._release(decided)"),
            f"{T_ACTOR}::test_nothing_leaves_the_room_until_it_is_stored",
        ),
        fault(
            "a created room is announced before its birth is stored",
            Edit(
                CREATION,
                "        born = await self._journal.create(birth, ask.expires_at)\n",
                "        asyncio.ensure_future(self._journal.create(birth))\n"
                "        born = Born(room.room_id, birth.input_hash, repeated=False)\n",
            ),
            f"{T_OPENING}::test_a_create_is_answered_only_when_the_room_is_stored",
        ),
        fault(
            "what the journal did not take is published all the same",
            Edit(ACTOR, "        if failure is None:\n", "        if failure is not self:\n"),
            f"{T_ACTOR}::test_a_room_whose_records_are_not_taken_is_given_up",
        ),
    ),
    "While an append is pending the room does nothing else": (
        fault(
            "a room decides on while its append is pending",
            (
                Edit(
                    ACTOR,
                    "self._scheduled or bool(self._pending) or self._stopped",
                    "self._scheduled or self._stopped",
                ),
                Edit(
                    ACTOR,
                    "self.room is None or self._pending or self._stopped",
                    "self.room is None or self._stopped",
                ),
            ),
            f"{T_ACTOR}::test_nothing_leaves_the_room_until_it_is_stored",
            f"{T_ACTOR}::test_what_waits_is_appended_as_one_unit",
        ),
    ),
    "What is refused has changed nothing": (
        fault(
            "a refusal leaves what the handler had changed",
            Edit(
                ROOM,
                "            self._undo()\n            self._remember_refusal",
                "            self._remember_refusal",
            ),
            f"{T_HANDLERS}::test_what_a_refusing_action_changed_is_undone",
            f"{T_MACHINE}::TestSecrets",
        ),
        fault(
            "members stay as the undone turn had them",
            Edit(
                STATE,
                "        for user_id, member in self._members_before.items():\n"
                "            self._put_member(user_id, member)\n",
                "",
            ),
            f"{T_DECIDING}::test_a_start_that_the_game_refuses_leaves_seats_and_round_as_they_were",
        ),
        fault(
            "round and chance stay as the undone turn had them",
            Edit(
                STATE,
                "self.room, self.play = self.room_before, self.play_before",
                "self.room = self.room_before",
            ),
            f"{T_DECIDING}::test_a_start_that_the_game_refuses_leaves_seats_and_round_as_they_were",
        ),
    ),
    "All that can fail, fails before the append": (
        fault(
            "the state is committed before the views are made",
            Edit(
                ROOM,
                "        deliveries = self._frame(",
                "        self.state.commit(changes)\n        deliveries = self._frame(",
            ),
            f"{T_HANDLERS}::test_an_action_after_which_the_view_raises_is_refused",
        ),
        fault(
            "frames may be of any size",
            Edit(FRAMING, "        if self._max_bytes is not None:", "        if False:"),
            f"{T_DECIDING}::test_an_event_that_is_too_big_to_be_sent_is_refused",
        ),
        fault(
            "records may be of any size",
            Edit(SEALING, "len(record.body) > MAX_RECORD_BYTES", "len(record.body) > 2**63"),
            f"{T_DECIDING}::test_a_record_that_is_too_big_to_be_stored_is_refused",
        ),
        fault(
            "the answer to a resume is made after the commit",
            Edit(
                ROOM,
                "self.position, own, known=known),\n        )\n",
                "self.position, own, known=False),\n        )\n"
                "        outcome = self._replies.to_join(sender, command, self.position, [], known=known)\n"
                "        decision = replace(decision, outcome=outcome)\n",
            ),
            f"{T_REGRESSION}::test_a_resume_that_fails_leaves_no_gap_in_the_journal",
        ),
    ),
    "A message holds the view, whatever becomes of the members": (
        fault(
            "less is kept for a member than it can take",
            Edit(HEADROOM, "MEMBER_BYTES = 900", "MEMBER_BYTES = 300"),
            f"{T_HEADROOM}::test_a_member_fits_into_what_is_kept_for_it",
            f"{T_HEADROOM}::test_longer_cards_keep_nobody_out_and_lose_no_room",
        ),
        fault(
            "nothing is kept for what nobody can refuse",
            Edit(ROOM, "        if changes and not turn.without_game:\n", "        if False:\n"),
            f"{T_HEADROOM}::test_longer_cards_keep_nobody_out_and_lose_no_room",
            f"{T_HEADROOM}::test_what_leaves_too_little_is_refused_and_all_else_is_done",
        ),
        fault(
            "a message that is too long keeps members in",
            Edit(ROOM, "except (GameFailed, MessageTooBig) as failure", "except GameFailed as failure"),
            f"{T_HEADROOM}::test_nobody_is_kept_in_by_a_message_that_is_too_long",
        ),
        fault(
            "what must happen is refused for its length",
            Edit(ROOM, "max_bytes = None if turn.without_game else ", "max_bytes = "),
            f"{T_HEADROOM}::test_what_must_happen_is_told_however_long_it_is",
        ),
    ),
    "A command is done once and answered the same": (
        fault(
            "what was applied is not remembered",
            Edit(
                ROOM,
                "        self.window.apply(cause.key, seq, answer)\n",
                "        pass\n",
            ),
            f"{T_WINDOW}::test_a_repeat_is_done_once_and_answered_the_same",
            f"{T_WINDOW}::test_play_that_is_not_journaled_is_remembered_within_its_epoch",
        ),
        fault(
            "membership is asked before the id",
            Edit(
                ROOM,
                "            return self._recalled(request, cause, now)",
                "            find_route(self.state, request.sender, request.command,"
                " attached=self._is_attached(request.sender))\n"
                "            return self._recalled(request, cause, now)",
            ),
            f"{T_WINDOW}::test_a_repeat_is_known_before_membership_and_status_are_asked",
            f"{T_WINDOW}::test_the_close_of_a_room_is_answered_again_after_it",
        ),
        fault(
            "other content under the same id passes for a repeat",
            Edit(WINDOW, "if applied is not None and applied.content != _content(key):", "if False:"),
            f"{T_WINDOW}::test_the_same_id_with_other_content_is_refused",
        ),
        fault(
            "refusals are forgotten at once",
            Edit(REFUSALS, "        if error.retryable or ", "        if error or "),
            f"{T_WINDOW}::test_a_refusal_is_remembered_for_a_minute",
        ),
        fault(
            "a member's older ids are answered for ever",
            Edit(WINDOW, "return self._count[key.user_id] - applied.ordinal < MEMBER_WINDOW", "return True"),
            f"{T_WINDOW}::test_a_members_last_128_are_answered_and_older_ones_refused",
        ),
        fault(
            "an id that is too old is applied again",
            Edit(
                RECALL,
                "        raise expired(key.command_id)",
                "        window._recorded.clear()",
            ),
            f"{T_WINDOW}::test_a_members_last_128_are_answered_and_older_ones_refused",
        ),
        fault(
            "a leaver's ids are answered for ever",
            Edit(RECALL, "now - ended_at < AFTERLIFE_MS", "True"),
            f"{T_WINDOW}::test_a_leavers_ids_are_answered_for_ten_minutes",
        ),
        fault(
            "a room that is opened again knows no ids",
            Edit(RECOVERY, "    for command in commands:\n", "    for command in commands[:0]:\n"),
            f"{T_RECOVERY}::test_a_repeat_after_recovery_is_answered_from_the_record",
        ),
        fault(
            "a repeated JOIN lets a leaver in again",
            Edit(ROOM, "replace(request, rejoin=True)", "request"),
            f"{T_WINDOW}::test_a_repeated_join_attaches_and_does_not_let_a_leaver_in_again",
        ),
        fault(
            "whom the room has forgotten has just left",
            Edit(RECALL, "state.left.get(key.user_id, 0)", "state.left.get(key.user_id, now)"),
            f"{T_REGRESSION}::test_a_leavers_ids_stay_expired_when_the_room_has_forgotten_the_leaver",
        ),
        fault(
            "what failed by a bug of ours is applied by a late copy",
            Edit(ROOM, "            self._remember_refusal(cause, failure, now)\n", ""),
            f"{T_REGRESSION}::test_a_late_copy_of_what_failed_by_our_bug_is_not_applied",
        ),
        fault(
            "what was lost with its room is applied by a late copy",
            Edit(
                ACTOR,
                "        if key is not None:\n            window.refuse",
                "        if False:\n            window.refuse",
            ),
            f"{T_REGRESSION}::test_a_late_copy_of_what_was_lost_with_its_room_is_not_applied",
        ),
        fault(
            "a room that is lost forgets what it has refused",
            Edit(OPENING, "CommandWindow(self._refusals.get(claim.room_id))", "CommandWindow()"),
            f"{T_REGRESSION}::test_a_late_copy_of_what_was_lost_with_its_room_is_not_applied",
            f"{T_REGRESSION}::test_what_a_room_refused_before_it_was_lost_stays_refused",
        ),
        fault(
            "what was refused for a room that would not open is applied by a late copy",
            Edit(OPENING, "if error.retryable or room_id not in self._claims:", "if True:"),
            f"{T_REGRESSION}::test_a_late_copy_of_what_was_refused_by_a_room_that_could_not_be_opened_is_not_applied",
        ),
        fault(
            "a refusal that rests on what was never stored is remembered",
            Edit(MEMORY, "        self.window.rollback()\n", ""),
            f"{T_REGRESSION}::test_what_was_refused_beside_what_is_not_stored_is_decided_anew",
        ),
        fault(
            "a repeat is called unapplied while its record cannot be read",
            Edit(
                RECOLLECTING,
                "            if recollection.otherwise is not None:\n                return recollection.otherwise\n",
                '            return recollection.otherwise or Unavailable("Later")\n',
            ),
            f"{T_ACTOR}::test_a_repeat_is_not_called_unapplied_while_its_record_cannot_be_read",
        ),
        fault(
            "a repeat is called unapplied with what was not stored beside it",
            Edit(
                ACTOR, "    return decision.outcome is not None and not decision.records", "    return False"
            ),
            f"{T_REGRESSION}::test_a_repeat_is_not_called_unapplied_because_it_was_decided_beside_what_is_not_stored",
        ),
        fault(
            "a record holds another answer than was given",
            Edit(
                SEALING, "    return StoredAnswer(outcome.seq, ", "    return StoredAnswer(outcome.seq + 1, "
            ),
            T_STORM,
        ),
        fault(
            "the database takes the same id twice",
            Edit(
                "backend/gameroom/storage/migrations/versions/0001_rooms.py",
                'columns = ["command_id", "user_id", "room_id"]',
                'columns = ["command_id", "user_id", "room_id", "seq"]',
            ),
            "tests/contract/test_journal.py::test_a_command_id_is_taken_once_per_user_and_room",
        ),
    ),
    "One CREATE makes one room": (
        fault(
            "a repeated CREATE passes for the first",
            Edit(CREATION, "        if born.repeated:\n", "        if False:\n"),
            f"{T_OPENING}::test_a_create_sent_again_names_the_room_that_it_made",
        ),
        fault(
            "a CREATE with other content gets the former room",
            Edit(CREATION, "if born.input_hash != input_hash:", "if False:"),
            f"{T_OPENING}::test_a_create_sent_again_with_other_content_is_refused",
        ),
        fault(
            "the database looks for no former CREATE",
            Edit(
                "backend/gameroom/storage/births.py",
                "rooms.c.create_command_id == command_id,",
                "rooms.c.term < 0,",
            ),
            "tests/contract/test_journal.py::test_the_same_create_makes_one_room",
            "tests/contract/test_journal.py::test_of_the_same_create_at_once_one_makes_the_room",
        ),
        fault(
            "the key of a call is no id of CREATE",
            Edit("backend/gameroom/api/rooms.py", "CreateRoom(id=key, **", "CreateRoom(**"),
            "tests/integration/test_rooms_api.py::test_a_socket_repeats_what_rest_has_made",
            "tests/integration/test_rooms_api.py::test_rest_repeats_what_a_socket_has_made",
        ),
        fault(
            "a CREATE that was refused is forgotten at once",
            Edit(CREATION, "            self._refusals.add(key, refusal, self._clock.now())\n", ""),
            "tests/unit/rooms/test_entrance.py::test_a_late_copy_of_a_refused_create_makes_no_room",
        ),
    ),
    "Recovered is what was live, and recovery runs no game code": (
        fault(
            "the author's migration runs at every recovery",
            Edit(
                RECOVERY,
                "if GAME in parts and recovered.game_version != game_type.version:",
                "if GAME in parts:",
            ),
            f"{T_RECOVERY}::test_recovery_runs_no_game_code",
        ),
        fault(
            "a room that its game cannot take up is read whenever somebody asks",
            Edit(FAILING, "self._clock.monotonic() < failure.until", "False"),
            f"{T_FAILING_GAMES}::test_a_room_that_its_game_cannot_take_up_is_not_read_whenever_somebody_asks",
        ),
        fault(
            "outsiders are told of a room that its game cannot take up",
            Edit(FAILING, "private=failure.private", "private=False"),
            f"{T_FAILING_GAMES}::test_a_private_room_that_its_game_cannot_take_up_is_none_to_an_outsider",
        ),
        fault(
            "the log does not show where a game fails to take up its rooms",
            Edit(FAILING, "exc_info=None if game in self._shown else error,", "exc_info=None,"),
            f"{T_FAILING_GAMES}::test_of_rooms_that_their_game_cannot_take_up_the_log_says_all_and_shows_the_author_where",
        ),
        fault(
            "a new version of a game reads the old state as it is",
            Edit(RECOVERY, "if GAME in parts and recovered.game_version != game_type.version:", "if False:"),
            f"{T_RECOVERY}::test_a_new_version_of_a_game_adopts_a_running_room",
        ),
        fault(
            "records do not hold the part of the round",
            Edit(STATE, "            found[PLAY] = _ENCODER.encode(self.play)", "            pass"),
            "tests/e2e/test_kill_and_restart.py::test_both_are_back_on_their_seats_with_the_same_board",
            f"{T_MACHINE}::TestTicTacToe",
            f"{T_HANDLERS}::test_a_round_is_played_to_its_end_and_another_begins",
        ),
        fault(
            "who has left is there again after a recovery",
            Edit(
                RECOVERY, "            parts.pop(key, None)\n        else:", "            pass\n        else:"
            ),
            f"{T_HANDLERS}::test_a_leaver_ends_a_round_of_a_game_that_says_nothing_else",
            f"{T_MACHINE}::TestTicTacToe",
        ),
        fault(
            "a snapshot hides the records after it",
            Edit(
                RECOVERY,
                "    for sealed in recovery.records:\n",
                "    for sealed in recovery.records[: 0 if recovery.snapshot else None]:\n",
            ),
            f"{T_RECOVERY}::test_a_snapshot_and_the_records_after_it_give_the_live_state",
        ),
    ),
    "Damage is seen, and closes its room alone": (
        fault(
            "hashes are not compared",
            Edit(RECORDS, "if hash_of(stored.body) != stored.hash:", "if False:"),
            f"{T_RECOVERY}::test_a_changed_byte_is_damage",
        ),
        fault(
            "a record may stand in another's place",
            Edit(
                RECORDS,
                "if (record.room_id, record.seq, record.epoch) != (sealed.room_id, sealed.seq, sealed.epoch):",
                "if False:",
            ),
            f"{T_RECOVERY}::test_a_record_in_anothers_place_is_damage",
        ),
        fault(
            "a missing record is not missed",
            Edit(RECOVERY, "if gapless and record.seq != recovered.position.seq + 1:", "if False:"),
            f"{T_RECOVERY}::test_a_missing_record_is_damage",
        ),
        fault(
            "a room without any record is an empty room",
            Edit(RECOVERY, "    if not recovered.parts:\n", "    if False:\n"),
            f"{T_RECOVERY}::test_nothing_stored_is_damage",
        ),
        fault(
            "a snapshot may stand in another's place",
            Edit(RECOVERY, "    _check_room(room_id, body.room_id, body.seq)\n", ""),
            f"{T_REGRESSION}::test_a_snapshot_in_anothers_place_is_damage",
        ),
        fault(
            "a damaged room passes for a bug of ours",
            Edit(
                LOCAL,
                "            self._end_damaged(actor)\n        except Exception:",
                '            self._give_up(actor, InternalError("Damaged"))\n        except Exception:',
            ),
            f"{T_DAMAGE}::test_a_damaged_room_is_closed_to_all_and_stays_as_it_was_stored",
        ),
        fault(
            "a damaged room is opened anew for everybody who asks",
            Edit(LOCAL, "        elif ask.request.room_id in self._damaged:\n", "        elif False:\n"),
            f"{T_DAMAGE}::test_who_looks_after_the_server_reads_where_the_damage_is",
        ),
        fault(
            "an outsider hears that a private room is damaged",
            Edit(DISCRETION, "if private and not", "if False and not"),
            f"{T_DAMAGE}::test_a_damaged_private_room_is_none_to_an_outsider",
        ),
        fault(
            "a room whose records cannot be recalled goes on",
            Edit(ACTOR, "            self._keeper.damaged(self, damage)\n", ""),
            f"{T_DAMAGE}::test_a_repeat_whose_record_is_damaged_closes_the_room",
        ),
        fault(
            "a resume that misses a record is given the whole view",
            Edit(
                RECALL,
                "        if not is_gapless(records, resume.seq, full.seq):\n            stored",
                "        if False:\n            stored",
            ),
            f"{T_DAMAGE}::test_a_resume_that_finds_a_record_missing_closes_the_room",
        ),
        fault(
            "a damaged room forgets what it has under way",
            Edit(LOCAL, "        await actor.halt()\n", ""),
            f"{T_DAMAGE}::test_what_was_decided_before_the_damage_was_seen_is_told_as_it_comes_out",
        ),
        fault(
            "a room is given up as damaged with a last snapshot",
            Edit(LOCAL, "        await actor.halt()\n", "        await actor.retire()\n"),
            f"{T_DAMAGE}::test_a_repeat_whose_record_is_damaged_closes_the_room",
        ),
        fault(
            "the sockets of a damaged room are not told",
            Edit(
                f"{GATEWAY}/hub.py", "                listener.over(over.reason)\n", "                pass\n"
            ),
            "tests/e2e/test_damage.py::test_damage_that_a_repeat_meets_detaches_all_members",
        ),
    ),
    "Positions are gapless": (
        fault(
            "a turn counts one event too many",
            Edit(
                ROOM,
                "before.seq + len(turn.emissions)",
                "before.seq + len(turn.emissions) + (before.seq == 7)",
            ),
            f"{T_MACHINE}::TestTicTacToe",
            f"{T_HANDLERS}::test_a_round_is_played_to_its_end_and_another_begins",
        ),
        fault(
            "the second event of a turn has the position of the first",
            Edit(SEALING, "            seq=stamp.head + number,", "            seq=stamp.head + 1,"),
            f"{T_MACHINE}::TestTicTacToe",
            f"{T_PUBLISHING}::test_each_message_names_the_position_before_it",
        ),
        fault(
            "a message does not say what it follows",
            Edit(FRAMING, "prev_seq=record.seq - 1,", "prev_seq=record.seq,"),
            f"{T_PUBLISHING}::test_each_message_names_the_position_before_it",
        ),
        fault(
            "who leaves does not hear what comes before its last event",
            Edit(FRAMING, "        if self._leaving:\n", "        if False:\n"),
            f"{T_REGRESSION}::test_who_leaves_a_game_that_fails_hears_that_its_round_was_aborted",
        ),
        fault(
            "who leaves is answered with a position that it has not heard of",
            Edit(TURN, "emission.parting is not None and emission.parting[0] == user_id", "False"),
            f"{T_REGRESSION}::test_the_answer_to_a_leave_stands_at_the_last_event_that_its_sender_heard",
        ),
    ),
    "View and patches make the fresh view": (
        fault(
            "patches do not remove who has left",
            Edit(VIEWS, 'return [] if before is None else [Operation("remove", path)]', "return []"),
            f"{T_HANDLERS}::test_a_leaver_ends_a_round_of_a_game_that_says_nothing_else",
            f"{T_MACHINE}::TestTicTacToe",
        ),
        fault(
            "patches forget the game",
            Edit(FRAMING, "        if self._change.game:\n", "        if False:\n"),
            f"{T_MACHINE}::TestSecrets",
            f"{T_HANDLERS}::test_a_round_is_played_to_its_end_and_another_begins",
        ),
        fault(
            "whose seat has changed gets a patch of another's view",
            Edit(FRAMING, "whole=fresh or self._viewpoint.key_before(user_id) != key,", "whole=fresh,"),
            f"{T_PUBLISHING}::test_a_viewer_whose_seat_changed_gets_a_whole_view",
        ),
        fault(
            "who wants no patches gets patches",
            Edit(
                FRAMING,
                "        if not viewers:\n",
                "        if True:\n",
            ),
            f"{T_PUBLISHING}::test_who_wants_no_patches_gets_the_whole_view_with_each_change",
        ),
    ),
    "A view changes by events only": (
        fault(
            "a new version of a game takes a room over without a word",
            Edit(ROOM, "renewed, self.memory.renewed = self.memory.renewed, False", "renewed = False"),
            f"{T_BY_EVENTS}::test_who_resumes_gets_what_another_version_of_the_game_has_made_of_its_state",
            f"{T_BY_EVENTS}::test_a_new_version_is_told_of_before_the_first_round_too",
        ),
        fault(
            "a new version is told whenever a room is opened",
            Edit(RECOVERY, 'teller = "" if body.renewed else body.game_version', 'teller = ""'),
            f"{T_BY_EVENTS}::test_a_new_version_is_told_once",
        ),
        fault(
            "a snapshot passes for the word of its version",
            Edit(ROOM, "            renewed=self.memory.renewed,\n", ""),
            f"{T_BY_EVENTS}::test_a_snapshot_of_a_new_version_that_has_not_told_yet_does_not_pass_for_its_word",
        ),
        fault(
            "a card that changed while the room was not open is not told",
            Edit(
                RECOVERY,
                "    memory.cards.expect(_shown_otherwise(state, memory.cards, policy.card_key))\n",
                "",
            ),
            f"{T_BY_EVENTS}::test_who_resumes_gets_the_names_that_changed_while_the_room_was_not_open",
            f"{T_BY_EVENTS}::test_who_stays_connected_while_a_room_is_opened_again_gets_the_new_card_by_a_patch",
        ),
        fault(
            "the card that is read when a room is opened is taken for the one that was shown",
            Edit(CARD_BOOK, "            return UNKNOWN\n", "            return self.card(user_id)\n"),
            f"{T_BY_EVENTS}::test_who_stays_connected_while_a_room_is_opened_again_gets_the_new_card_by_a_patch",
        ),
        fault(
            "a card is told whenever a room is opened",
            Edit(SYSTEM, "shown=mark_of(user_id, card, turn.policy.card_key)", 'shown="told"'),
            f"{T_BY_EVENTS}::test_a_card_is_told_once",
        ),
    ),
    "Who resumes gets all that was missed, or the whole view": (
        fault(
            "the last missed event brings no view",
            Edit(HISTORY, "update=update if record is last else None", "update=None"),
            f"{T_RESUME}::test_missed_events_come_without_a_gap_and_the_last_one_brings_the_view",
        ),
        fault(
            "a position of another epoch is resumed from",
            Edit(RECALL, "if resume.epoch != full.epoch or not", "if not"),
            f"{T_RESUME}::test_a_position_that_cannot_be_resumed_from_gets_the_whole_view",
        ),
        fault(
            "a position before the own joining is resumed from",
            Edit(RECALL, " or resume.seq < viewer.since:", ":"),
            f"{T_RESUME}::test_a_position_that_cannot_be_resumed_from_gets_the_whole_view",
            f"{T_RESUME}::test_who_was_moved_to_another_seat_gets_the_whole_view",
        ),
        fault(
            "a change of role leaves the base of resuming where it was",
            Edit(MEMBERSHIP, "ready=False, since=turn.next_seq", "ready=False"),
            f"{T_HOSTING}::test_who_has_changed_its_role_cannot_resume_from_before",
        ),
        fault(
            "any number of events may be missed",
            (
                Edit(RECALL, "not 0 <= missed <= MAX_RESUME", "missed < 0"),
                Edit(HISTORY, "len(self._records) > MAX_RESUME or ", ""),
            ),
            f"{T_RESUME}::test_256_may_be_missed_and_no_more",
        ),
        fault(
            "recent events with a gap pass for all of them",
            Edit(HISTORY, "return found if is_gapless(found, seq, head) else None", "return found"),
            f"{T_RESUME}::test_missed_events_come_without_a_gap_and_the_last_one_brings_the_view",
        ),
        fault(
            "whispers to others are among the missed",
            Edit(
                HISTORY,
                "        if record.audience is not None and user_id not in record.audience:\n",
                "        if False:\n",
            ),
            f"{T_RESUME}::test_what_was_whispered_to_others_stays_hidden",
        ),
        fault(
            "announcements to other seats are among the missed",
            Edit(FRAMING, "if a.to is None or seat in a.to]", "]"),
            f"{T_RESUME}::test_announcements_to_other_seats_are_not_among_the_missed",
        ),
    ),
    "One message carries an event to everybody": (
        fault(
            "each view goes out in a message of its own",
            Edit(
                FRAMING,
                "        return tuple(\n            [self._deliver(record, emission, number == 0, cause)"
                " for number, (record, emission) in pairs]\n        )",
                "        whole = [self._deliver(record, emission, number == 0, cause)"
                " for number, (record, emission) in pairs]\n"
                "        return tuple(\n"
                "            msgspec.structs.replace(each, shares=(share,))\n"
                "            for each in whole for share in each.shares\n"
                "        )",
            ),
            f"{T_PUBLISHING}::test_one_message_carries_an_event_as_each_viewer_sees_it",
        ),
    ),
    "Hidden stays hidden": (
        fault(
            "hidden fields are shown",
            Edit(
                f"{GAMES}/visible.py",
                "for field in info.fields if not is_hidden(field.type))",
                "for field in info.fields)",
            ),
            "tests/unit/games/test_visible.py::test_hidden_fields_are_left_out_wherever_they_stand",
            f"{T_HANDLERS}::test_nobody_sees_what_is_hidden_from_them",
        ),
        fault(
            "all seats share one view",
            Edit(
                VIEWS,
                "        return self.seat(user_id) if self.secretive else None",
                "        return 0 if self.secretive else None",
            ),
            f"{T_HANDLERS}::test_nobody_sees_what_is_hidden_from_them",
            "tests/e2e/test_liars_dice.py::test_a_whole_game_in_which_the_server_dies",
        ),
        fault(
            "announcements reach every seat",
            Edit(FRAMING, "if a.to is None or seat in a.to]", "]"),
            f"{T_HANDLERS}::test_announcements_reach_only_their_seats",
        ),
        fault(
            "whispers reach everybody",
            Edit(
                FRAMING,
                "            return heard, Share(None, hidden_frame(record))",
                "            return heard, Share(None, event_frame(record, data, seat=None))",
            ),
            f"{T_HANDLERS}::test_a_whisper_is_hidden_from_others",
        ),
    ),
    "Strangers know of a room what it shows them": (
        fault(
            "strangers see the view",
            Edit(REPLIES, "        if self._viewpoint.is_member(sender.user_id):\n", "        if True:\n"),
            f"{T_REST}::test_a_stranger_sees_a_summary_and_leaves_no_trace",
        ),
        fault(
            "who has looked at a room is remembered there",
            Edit(
                ROOM,
                "        reply = route.handler(turn, sender, command)\n",
                "        self.viewpoint.cards.put(sender.user_id, sender.card)\n"
                "        reply = route.handler(turn, sender, command)\n",
            ),
            f"{T_REST}::test_a_stranger_sees_a_summary_and_leaves_no_trace",
        ),
        fault(
            "a private room shows its summary to everybody",
            Edit(
                MEMBERSHIP,
                'if room.visibility == "private" or sender.user_id in room.bans:',
                "if sender.user_id in room.bans:",
            ),
            f"{T_REST}::test_to_a_stranger_there_is_no_private_room",
        ),
        fault(
            "who is banned sees the summary",
            Edit(
                MEMBERSHIP,
                'if room.visibility == "private" or sender.user_id in room.bans:',
                'if room.visibility == "private":',
            ),
            f"{T_REST}::test_to_who_is_banned_there_is_no_such_room",
        ),
        fault(
            "rooms that are not public are listed",
            Edit(
                "backend/gameroom/storage/directory.py",
                "where(is_listed)",
                'where(rooms.c.status != "closed")',
            ),
            "tests/contract/test_directory.py::test_only_public_open_rooms_are_listed",
        ),
    ),
    "A private room looks like none to an outsider": (
        fault(
            "an outsider is told that a private room is not for outsiders",
            Edit(ROUTER, "    _check_known(state, sender)\n    member =", "    member ="),
            f"{T_REFUSALS}::test_a_refused_command_changes_nothing",
        ),
        fault(
            "an outsider is told that a private room is closed",
            Edit(ROUTER, "        _check_known(state, sender)\n        raise", "        raise"),
            f"{T_REFUSALS}::test_a_refused_command_changes_nothing",
            f"{T_REFUSALS}::test_a_refused_handshake_changes_nothing",
        ),
    ),
    "A room's password is not found by trying": (
        fault(
            "wrong passwords are not counted",
            Edit(
                GUESSING,
                "            if not isinstance(outcome, WrongRoomPassword):\n",
                "            if True:\n",
            ),
            f"{T_GUESSING}::test_who_tries_many_passwords_is_told_to_wait",
        ),
        fault(
            "right passwords are counted with the wrong ones",
            Edit(
                GUESSING,
                "            if not isinstance(outcome, WrongRoomPassword):\n",
                "            if False:\n",
            ),
            f"{T_GUESSING}::test_right_passwords_are_not_counted",
        ),
    ),
    "`connected` belongs to a connection": (
        fault(
            "the close of an older connection disconnects",
            Edit(
                ROOM,
                "if not self.presence.is_attached(user_id, connection_id):",
                "if user_id not in self.presence:",
            ),
            f"{T_HANDLERS}::test_a_stale_detach_is_ignored",
        ),
        fault(
            "after an adoption nobody is asked whether it is still there",
            Edit(
                ACTOR,
                "        self._confirmation = self._loop.call_later(self._policy.confirm_ms / 1000, self._confirm)\n",
                "",
            ),
            f"{T_ACTOR}::test_members_that_do_not_confirm_after_an_adoption_are_disconnected",
        ),
        fault(
            "who comes back to a room that was opened again causes an event",
            Edit(MEMBERSHIP, "    if turn.state.members[user_id].connected:\n        return\n", ""),
            f"{T_OPENING}::test_who_comes_back_to_a_room_that_was_opened_again_causes_no_event",
        ),
        fault(
            "any connection speaks for its user",
            Edit(
                ROOM,
                "return connection_id is None or self.presence.is_attached(sender.user_id, connection_id)",
                "return True",
            ),
            f"{T_HANDLERS}::test_a_room_is_asked_only_over_the_connection_that_joined_it",
        ),
        fault(
            "who hangs up has left",
            Edit(
                MEMBERSHIP,
                "    until = turn.now + turn.state.room.grace_ms\n",
                "    until = turn.now\n",
            ),
            f"{T_HANDLERS}::test_a_lost_connection_keeps_the_seat_for_the_grace_period",
        ),
        fault(
            "who left is gone though that was not stored",
            Edit(MEMORY, "        self.presence.rollback()\n", ""),
            f"{T_REGRESSION}::test_a_leave_that_was_not_stored_leaves_the_member_attached",
        ),
        fault(
            "a closed connection stays attached to its rooms",
            Edit(
                f"{GATEWAY}/attachment.py",
                "        if may_be_attached:\n            self._detach_from(self.room_id)\n",
                "",
            ),
            "tests/unit/gateway/test_attachment.py::"
            "test_a_closed_connection_is_detached_once_from_each_room_it_has_joined",
        ),
    ),
    "Timers are data and never fire stale": (
        fault(
            "the record of a timer says when it fired, not when it was due",
            Edit(
                f"{ROOMS}/room.py", "Cause.of_timer(due), max(", "Cause.of_timer(replace(due, at=now)), max("
            ),
            f"{T_OPENING}::test_a_turn_clock_that_ran_out_while_down_fires_once_first_and_with_its_due_time",
        ),
        fault(
            "a timer fires though its round is over",
            Edit(SYSTEM, "    if not turn.state.runs(due):\n", "    if False:\n"),
            f"{T_HANDLERS}::test_timers_end_with_their_round",
        ),
        fault(
            "a timer that has fired still runs",
            Edit(
                f"{ROOMS}/handlers/play.py",
                "for other, at in turn.state.play.timers.items() if other != name}",
                "for other, at in turn.state.play.timers.items()}",
            ),
            f"{T_DECIDING}::test_a_timer_fires_once",
        ),
        fault(
            "what waits goes before timers that are due",
            Edit(
                ACTOR,
                "        for due in room.due(now)[:BATCH_INPUTS]:\n            batch.add(room.fire(due, now))\n",
                "",
            ),
            f"{T_ACTOR}::test_due_timers_go_before_what_waits",
        ),
        fault(
            "the listing of a room does not tell its next timer",
            Edit(f"{ROOMS}/listing.py", "next_due_at=self._state.next_due_at(),", "next_due_at=None,"),
            f"{T_OPENING}::test_a_room_tells_the_sweeper_when_its_next_timer_is_due",
            f"{T_OPENING}::test_a_timer_that_came_due_while_nobody_ran_the_room_fires_unasked",
        ),
        fault(
            "nobody looks after rooms whose timers are due",
            Edit(SWEEP, "for room_id in (*self._opening.take_unread(), *neglected):", "for room_id in ():"),
            f"{T_OPENING}::test_a_timer_that_came_due_while_nobody_ran_the_room_fires_unasked",
        ),
        fault(
            "an append does not store when the next timer is due",
            Edit("backend/gameroom/storage/sqlite_batches.py", ", next_due_at = :next_due_at,", ","),
            "tests/contract/test_placement.py::test_an_append_tells_what_is_due_and_who_is_there",
        ),
        fault(
            "rooms of games that are not here fill every sweep",
            (
                Edit(
                    PLACEMENT,
                    "for room in self._rooms.values() if room.listing.summary.game in games]",
                    "for room in self._rooms.values()]",
                ),
                Edit("backend/gameroom/storage/placement.py", "rooms.c.game.in_(games), ", ""),
            ),
            f"{T_OPENING}::test_rooms_of_a_game_that_is_not_here_keep_no_other_room_waiting",
            "tests/contract/test_placement.py::test_rooms_of_other_games_do_not_fill_the_list",
        ),
    ),
    "Chance and time come from the state": (
        fault(
            "the numbers need no key",
            Edit(
                f"{GAMES}/random.py",
                "blake2b(message, key=self._key, digest_size=8)",
                "blake2b(message, digest_size=8)",
            ),
            "tests/unit/games/test_random.py::test_the_nth_number_is_the_keyed_hash_of_n",
        ),
        fault(
            "what was drawn is drawn again after a recovery",
            Edit(
                TURN,
                "self.state.change_play(random_counter=context.random.counter)",
                "self.state.play.players",
            ),
            f"{T_DECIDING}::test_chance_goes_on_where_the_last_record_left_it",
        ),
        fault(
            "a refused action moves chance on",
            (
                Edit(
                    TURN,
                    "        result = call(context)\n        self._keep(context)\n",
                    "        try:\n            result = call(context)\n"
                    "        finally:\n            self._keep(context)\n",
                ),
                Edit(
                    STATE,
                    "self.room, self.play = self.room_before, self.play_before",
                    "self.room = self.room_before",
                ),
            ),
            f"{T_DECIDING}::test_what_a_refused_action_drew_is_drawn_again",
        ),
        fault(
            "time goes back with the clock",
            Edit(
                ROOM,
                "        now = max(now, self.position.at)\n        cause = Cause.of_request(request)\n",
                "        cause = Cause.of_request(request)\n",
            ),
            f"{T_DECIDING}::test_time_does_not_go_back_with_the_clock",
        ),
    ),
    "What fails in one room harms no other": (
        fault(
            "what a game raises is not caught",
            Edit(
                f"{GAMES}/registry.py",
                "        raise\n    except (Exception, SystemExit) as error:",
                "        raise\n    except ValueError as error:",
            ),
            f"{T_HANDLERS}::test_what_a_refusing_action_changed_is_undone",
            "tests/unit/games/test_registry.py::test_misdeeds_of_a_game_are_its_failures",
        ),
        fault(
            "a bug of ours in a command is not caught",
            Edit(
                ROOM,
                "        except Exception:\n            # An exception in one room",
                "        except ValueError:\n            # An exception in one room",
            ),
            f"{T_DECIDING}::test_a_bug_of_ours_in_a_command_changes_nothing_and_the_room_goes_on",
        ),
        fault(
            "a game that fails in a timer stops the room",
            (
                Edit(
                    f"{ROOMS}/handlers/play.py",
                    "    except GameFailed as failure:\n        turn.failure",
                    "    except RateLimited as failure:\n        turn.failure",
                ),
                Edit(
                    f"{ROOMS}/handlers/play.py",
                    "from gameroom.errors import Forbidden, ",
                    "from gameroom.errors import RateLimited, Forbidden, ",
                ),
                Edit(
                    ROOM,
                    "        except GameroomError as failure:\n            self._log_failure(failure)\n"
                    "            self._undo()\n        return self._happen(",
                    "        except ZeroDivisionError:\n            self._undo()\n        return self._happen(",
                ),
            ),
            f"{T_HANDLERS}::test_a_timer_that_raises_aborts_the_round",
        ),
        fault(
            "a room that cannot go on is opened for ever",
            Edit(LOCAL, "        if self._setbacks.reopened(", "        if True or self._setbacks.reopened("),
            f"{T_OPENING}::test_a_room_that_cannot_get_past_an_input_stays_closed",
        ),
        fault(
            "one odd error is the end of all sweeps",
            Edit(
                SWEEP,
                "            except Exception:  # whatever it met",
                "            except ZeroDivisionError:  # whatever",
            ),
            f"{T_OPENING}::test_a_sweep_that_fails_is_not_the_last",
        ),
        fault(
            "who waits for a room that cannot be opened is told nothing",
            (
                Edit(
                    LOCAL,
                    "        except Damaged as damage:\n",
                    "        except ZeroDivisionError as damage:\n",
                ),
                Edit(
                    LOCAL,
                    "        except Exception:  # whatever it is,",
                    "        except ZeroDivisionError:  #",
                ),
            ),
            f"{T_OPENING}::test_the_damage_of_one_room_harms_no_other",
        ),
        fault(
            "a listener that fails ends the delivery to the others",
            Edit(
                "backend/gameroom/gateway/hub.py",
                "    except Exception:\n        # A bug met by one listener",
                "    except ValueError:\n        # A bug met by one listener",
            ),
            "tests/unit/gateway/test_hub.py::test_a_listener_that_fails_harms_no_other",
        ),
        fault(
            "one who cannot be told costs the others their answers",
            Edit(
                MAILBOX,
                "    except Exception:  # a bug of whoever asked",
                "    except ZeroDivisionError:  #",
            ),
            f"{T_REGRESSION}::test_one_who_cannot_be_told_costs_the_others_of_the_turn_nothing",
            f"{T_REGRESSION}::test_one_who_cannot_be_told_of_its_deadline_costs_the_others_nothing",
            f"{T_REGRESSION}::test_one_who_cannot_be_told_that_the_server_stops_costs_the_others_nothing",
        ),
        fault(
            "whose command breaks the room is told nothing",
            Edit(ACTOR, "            batch.add(NOTHING, entry)", "            batch.add(NOTHING)"),
            f"{T_REGRESSION}::test_who_asked_for_what_broke_the_room_is_told",
        ),
        fault(
            "what is always playing ends where its game fails",
            Edit(PLAY, ' == "playing" and not turn.game_type.always_playing:', ' == "playing":'),
            f"{T_FAILING_GAMES}::test_a_hook_that_raises_does_not_end_what_is_always_playing",
            f"{T_FAILING_GAMES}::test_a_timer_that_raises_does_not_end_what_is_always_playing",
        ),
        fault(
            "a game that stands in the way is asked again",
            Edit(PLAY, "    if turn.without_game:\n", "    if False:\n"),
            f"{T_FAILING_GAMES}::test_a_hook_that_says_too_much_is_left_out_and_the_member_is_disconnected",
        ),
    ),
    "Where play was lost, a new epoch says so": (
        fault(
            "lost play stays untold",
            Edit(ACTOR, "        if self._play_lost:\n", "        if False:\n"),
            f"{T_OPENING}::test_play_that_was_not_journaled_is_lost_with_its_node_and_that_is_said_first",
        ),
        fault(
            "a new epoch begins after a clean hand-over too",
            Edit(
                OPENING,
                "play_lost = not journaled and not claim.clean and not room.is_closed",
                "play_lost = not journaled and not room.is_closed",
            ),
            f"{T_OPENING}::test_a_clean_hand_over_keeps_the_position",
        ),
        fault(
            "a new epoch begins in a journaled room",
            Edit(
                OPENING,
                "play_lost = not journaled and not claim.clean and",
                "play_lost = not claim.clean and",
            ),
            f"{T_OPENING}::test_a_journaled_room_keeps_its_epoch_whatever_became_of_its_node",
        ),
        fault(
            "lost play is told under the old epoch",
            Edit(ROOM, "replace(self.position, epoch=self.position.epoch + 1)", "replace(self.position)"),
            f"{T_RECOVERY}::test_play_that_is_not_journaled_begins_a_new_epoch_after_a_crash",
        ),
        fault(
            "numbers that were seen in lost play are drawn again",
            Edit(SYSTEM, "random_key=next_key(turn.state.play.random_key), ", ""),
            f"{T_RECOVERY}::test_after_lost_play_no_number_is_drawn_a_second_time",
        ),
        fault(
            "a room stays closed for a state that is lost anyway",
            Edit(RECOVERY, '    if game_type.durability == "journal" or clean:\n', "    if True:\n"),
            f"{T_RECOVERY}::test_a_state_that_is_lost_anyway_need_not_be_migrated",
        ),
    ),
    "Snapshots hold what is stored, and a hand-over loses nothing": (
        fault(
            "a snapshot is taken while the append is pending",
            Edit(
                ACTOR,
                "        self._unsnapped += len(records)\n",
                "        self._unsnapped += len(records)\n        self._keep_snapshot()\n",
            ),
            f"{T_ACTOR}::test_snapshots_hold_only_what_is_stored",
        ),
        fault(
            "a room retires while its append is pending",
            Edit(ACTOR, "            await self._settled.wait()\n", ""),
            f"{T_OPENING}::test_a_room_is_handed_over_only_when_its_last_append_is_stored",
        ),
        fault(
            "a room is given back before its last snapshot",
            Edit(
                LOCAL,
                "            await actor.retire()\n            if actor.room is not None:\n"
                "                await self._placement.release(actor.room_id, actor.room.term)\n",
                "            if actor.room is not None:\n"
                "                await self._placement.release(actor.room_id, actor.room.term)\n"
                "            await actor.retire()\n",
            ),
            f"{T_OPENING}::test_a_stopped_node_hands_its_rooms_over_clean_with_their_very_last_state",
        ),
        fault(
            "a late snapshot replaces a newer one",
            Edit(
                "backend/gameroom/storage/tables.py",
                "WHERE snapshots.seq <= excluded.seq",
                "WHERE true",
            ),
            "tests/contract/test_journal.py::test_a_late_snapshot_does_not_replace_a_newer_one",
        ),
        fault(
            "a hand-over forgets what no record tells",
            Edit(RECOVERY, "    if claim.clean:\n        _remember(", "    if False:\n        _remember("),
            f"{T_RECOVERY}::test_what_was_done_before_a_clean_hand_over_is_not_done_again_in_the_same_epoch",
        ),
    ),
}
