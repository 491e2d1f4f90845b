"""Faults between a room and the sockets of its members, and in what a client may cost."""

from tests.planted.fault import Edit, Faults, fault

GATEWAY = "backend/gameroom/gateway"
ATTACHMENT = f"{GATEWAY}/attachment.py"
CONNECTION = f"{GATEWAY}/connection.py"
DISPATCHER = f"{GATEWAY}/dispatcher.py"
FAST_SOCKET = f"{GATEWAY}/fast_path/socket.py"
PARSER = f"{GATEWAY}/fast_path/parser.py"
HUB = f"{GATEWAY}/hub.py"
LIMITS = f"{GATEWAY}/limits.py"
LOBBY = f"{GATEWAY}/lobby.py"
ACTOR = "backend/gameroom/rooms/actor.py"
MAILBOX = "backend/gameroom/rooms/mailbox.py"
HISTORY = "backend/gameroom/rooms/history.py"
OPENING = "backend/gameroom/rooms/opening.py"
REFUSALS = "backend/gameroom/rooms/refusals.py"
CODEC = "backend/gameroom/protocol/codec.py"
FRAMES = "backend/gameroom/protocol/frames.py"
WIRE = f"{GATEWAY}/wire.py"
PASSWORDS = "backend/gameroom/identity/passwords.py"
THREADS = "backend/gameroom/storage/bounded_threads.py"

TESTS = "tests/unit/gateway"
T_PARSER = f"{TESTS}/test_parser.py"
T_ANONYMOUS = f"{TESTS}/test_anonymous.py"
T_ATTACHMENT = f"{TESTS}/test_attachment.py"
T_CONNECTION = f"{TESTS}/test_connection.py"
T_HUB = f"{TESTS}/test_hub.py"
T_LOBBY = f"{TESTS}/test_lobby.py"
T_ACTOR = "tests/unit/rooms/test_actor.py"
T_BOUNDS = "tests/unit/rooms/test_bounds.py"
T_CODEC = "tests/unit/protocol/test_codec.py"
T_PACKED = "tests/unit/protocol/test_packed.py"
T_PASSWORDS = "tests/unit/identity/test_passwords.py"
T_SOCKETS = "tests/integration/test_sockets.py"
T_WIRE = f"{TESTS}/test_wire.py"
T_THREADS = "tests/unit/storage/test_bounded_threads.py"

FAULTS: Faults = {
    "A connection hears its room without gap and without copy": (
        fault(
            "a JOIN is submitted before its subscription stands",
            (
                Edit(
                    ATTACHMENT,
                    "            self._hub.listen(self.room_id, self)\n",
                    "            self._hub.listen(self.room_id, self)\n            self._submit(asked)\n",
                ),
                Edit(
                    ATTACHMENT,
                    "        if self._splice is not None:\n            self._submit(self._splice.asked)\n",
                    "        pass\n",
                ),
            ),
            f"{T_ATTACHMENT}::test_a_connection_closed_before_its_subscription_stands_asks_nothing",
        ),
        fault(
            "events that are missing are not missed",
            Edit(
                ATTACHMENT,
                "if not delivery.begins and self._position != (delivery.epoch, delivery.prev_seq):",
                "if False:",
            ),
            f"{T_ATTACHMENT}::test_a_gap_ends_the_connection_before_the_client_sees_it",
        ),
        fault(
            "an epoch whose beginning is missing is gone along with",
            Edit(
                ATTACHMENT,
                "self._position != (delivery.epoch, delivery.prev_seq):",
                "self._position[0] == delivery.epoch and self._position[1] != delivery.prev_seq:",
            ),
            f"{T_ATTACHMENT}::test_an_epoch_whose_beginning_is_missing_ends_the_connection",
        ),
        fault(
            "late copies are passed on",
            Edit(
                ATTACHMENT,
                "if self._position is None or at <= self._position:",
                "if self._position is None:",
            ),
            f"{T_ATTACHMENT}::test_a_late_copy_is_dropped",
        ),
        fault(
            "events overtake the view that they follow",
            Edit(
                ATTACHMENT,
                "        if self._splice is None:\n            self._pass_on(",
                "        if True:\n            self._pass_on(",
            ),
            f"{T_ATTACHMENT}::test_join_drops_what_its_view_holds_and_then_sends_what_follows",
            f"{T_ATTACHMENT}::test_get_stands_exactly_at_its_position",
        ),
        fault(
            "a view is answered before the events that it shows",
            Edit(f"{GATEWAY}/splice.py", "if position_of(heard[0]) <= at]", "if False]"),
            f"{T_ATTACHMENT}::test_get_stands_exactly_at_its_position",
        ),
        fault(
            "an older connection of the user hears on",
            Edit(HUB, '            older.over("replaced")\n', "            pass\n"),
            f"{T_ATTACHMENT}::test_a_newer_connection_replaces_the_older_one_in_the_room",
        ),
    ),
    "Lists of rooms miss nothing and double nothing": (
        fault(
            "a page begins at its place, not behind it",
            Edit("backend/gameroom/storage/directory.py", "tuple_(*_PLACE) < (", "tuple_(*_PLACE) <= ("),
            "tests/contract/test_directory.py::test_pages_miss_and_double_nothing_while_rooms_are_made",
        ),
        fault(
            "rooms that are gone from the lobby stay in the copies of it",
            Edit(
                LOBBY,
                "removed = [room_id for room_id in told if room_id not in now]",
                "removed: list[str] = []",
            ),
            f"{T_LOBBY}::test_the_change_makes_the_one_list_of_the_other",
        ),
        fault(
            "what was told of the lobby is told again",
            Edit(LOBBY, "            self._told[peer] = now\n", ""),
            f"{T_LOBBY}::test_who_comes_later_gets_the_list_as_it_is_then_and_no_change_that_it_shows",
        ),
        fault(
            "a look under way is taken for the present list",
            Edit(
                LOBBY,
                "begun_before = self._begun\n",
                "begun_before = self._begun - self._one_at_a_time.locked()\n",
            ),
            f"{T_LOBBY}::test_a_look_that_began_before_is_not_taken_for_the_present_list",
        ),
    ),
    "Events come before the answer, answers in the order of the commands": (
        fault(
            "a command is answered before its events",
            Edit(
                ACTOR,
                "            for delivery in decision.deliveries:\n"
                "                self._bus.publish(delivery)\n"
                "            if ask is not None and decision.outcome is not None:\n"
                "                self._tell(decision.outcome, ask.tell)\n",
                "            if ask is not None and decision.outcome is not None:\n"
                "                self._tell(decision.outcome, ask.tell)\n"
                "            for delivery in decision.deliveries:\n"
                "                self._bus.publish(delivery)\n",
            ),
            f"{T_ACTOR}::test_events_of_a_command_come_before_its_answer",
        ),
        fault(
            "commands overtake a JOIN",
            Edit(ATTACHMENT, "        return self._splice is None and (", "        return True or ("),
            f"{T_ATTACHMENT}::test_commands_sent_right_after_a_join_wait_for_it",
        ),
        fault(
            "commands overtake the renewal of a token",
            Edit(DISPATCHER, "        if self._behind is None:\n", "        if True:\n"),
            f"{T_CONNECTION}::test_commands_behind_a_renewal_wait_for_it_in_order",
        ),
        fault(
            "who leaves is detached before the answer",
            Edit(
                ATTACHMENT,
                "if self._under_way and delivery.cause == self._peer.connection_id:",
                "if False:",
            ),
            f"{T_ATTACHMENT}::test_who_leaves_gets_the_event_then_the_reply_then_detached",
        ),
    ),
    "Every queue is bounded": (
        fault(
            "any number of commands waits for a room",
            Edit(MAILBOX, "if self._asks >= self._most:", "if False:"),
            f"{T_ACTOR}::test_a_full_mailbox_refuses_at_once",
        ),
        fault(
            "a turn takes all that waits",
            Edit(ACTOR, "while self._mailbox and not batch.is_full:", "while self._mailbox:"),
            f"{T_BOUNDS}::test_a_turn_takes_so_many_inputs_and_leaves_the_rest_to_the_next",
        ),
        fault(
            "all refusals are remembered",
            Edit(REFUSALS, "if len(self._refusals) > self._limit:", "if False:"),
            f"{T_BOUNDS}::test_of_too_many_refusals_the_oldest_are_forgotten",
        ),
        fault(
            "the refusals of all lost rooms are remembered",
            Edit(OPENING, "if len(self._refusals) > LOST_ROOMS:", "if False:"),
            f"{T_BOUNDS}::test_of_too_many_lost_rooms_the_oldest_ones_refusals_are_forgotten",
        ),
        fault(
            "recent events may be of any size",
            Edit(HISTORY, " or self._bytes > RECENT_BYTES:", ":"),
            "tests/regression/test_rooms.py::test_recent_events_are_bounded_in_all_their_bytes",
        ),
        fault(
            "any number of commands waits behind a JOIN",
            Edit(ATTACHMENT, "if len(self._waiting) >= MAX_WAITING:", "if False:"),
            f"{T_ATTACHMENT}::test_too_many_commands_behind_a_join_are_unavailable",
        ),
        fault(
            "any number of events is held during a JOIN",
            Edit(f"{GATEWAY}/splice.py", "if len(self._held) >= MAX_HELD:", "if False:"),
            f"{T_ATTACHMENT}::test_more_held_events_than_may_be_end_the_connection",
        ),
        fault(
            "any number of frames waits for the first one's answer",
            Edit(f"{GATEWAY}/anonymous.py", "elif len(self._early) < MAX_EARLY_FRAMES:", "elif True:"),
            f"{T_ANONYMOUS}::test_too_many_frames_before_the_answer_end_the_socket",
        ),
        fault(
            "any number of bytes waits for a peer that does not read, on the fast path",
            Edit(FAST_SOCKET, "self._transport.get_write_buffer_size() > self._limits.queue_bytes", "False"),
            f"{T_SOCKETS}::test_a_slow_consumer_is_closed",
        ),
        fault(
            "any number of bytes waits for a peer that does not read, over ASGI",
            Edit(
                f"{GATEWAY}/asgi_socket.py", "if self._queued_bytes > self._limits.queue_bytes:", "if False:"
            ),
            f"{T_SOCKETS}::test_a_slow_consumer_is_closed",
        ),
        fault(
            "a connection sends as much as it likes",
            Edit(LIMITS, "        if self._tokens < 1:\n", "        if False:\n"),
            f"{T_CONNECTION}::test_over_the_limit_commands_are_refused_with_when_to_come_back",
            f"{T_CONNECTION}::test_ten_times_the_limit_ends_the_connection",
        ),
        fault(
            "any number of jobs waits for the database",
            Edit(THREADS, "if self._jobs >= self._limit:", "if False:"),
            f"{T_THREADS}::test_one_more_than_the_limit_is_refused_at_once_but_not_what_goes_first",
        ),
        fault(
            "any number of sign-ins waits for a hash",
            Edit(PASSWORDS, "if self._waiting >= self._policy.max_waiting:", "if False:"),
            f"{T_PASSWORDS}::test_who_finds_too_many_waiting_is_told_at_once",
        ),
    ),
    "Every wait has an end": (
        fault(
            "a command waits for its room for an hour",
            Edit(
                MAILBOX,
                "self._loop.call_at(first.expires_at, self._expire)",
                "self._loop.call_at(first.expires_at + 3600, self._expire)",
            ),
            f"{T_ACTOR}::test_an_undecided_command_is_withdrawn_at_its_deadline_a_decided_one_is_not",
        ),
        fault(
            "a subscription is waited for, for ever",
            Edit(HUB, "asyncio.timeout(self._timeout)", "asyncio.timeout(None)"),
            f"{T_HUB}::test_a_subscription_that_fails_is_told_and_may_be_tried_again",
        ),
        fault(
            "a renewal is waited for, for ever",
            (
                Edit(
                    f"{GATEWAY}/environment.py",
                    "asyncio.timeout(self.policy.step_timeout_s)",
                    "asyncio.timeout(None)",
                ),
                Edit(
                    DISPATCHER,
                    "asyncio.timeout(self._environment.policy.step_timeout_s)",
                    "asyncio.timeout(None)",
                ),
            ),
            f"{T_CONNECTION}::test_a_renewal_that_takes_too_long_is_unavailable",
        ),
        fault(
            "an anonymous socket may stay",
            Edit(
                f"{GATEWAY}/anonymous.py",
                "            self._environment.policy.first_frame_timeout_s, self._too_late\n",
                "            3600, self._too_late\n",
            ),
            f"{T_ANONYMOUS}::test_time_runs_out_and_stops_running_with_the_first_frame",
        ),
        fault(
            "who answers no pings may stay",
            Edit(f"{GATEWAY}/heartbeat.py", "if self._unanswered == MISSES:", "if False:"),
            f"{T_CONNECTION}::test_two_missed_pings_end_the_connection",
        ),
        fault(
            "a closing socket waits for its peer, for ever",
            Edit(
                FAST_SOCKET,
                "self._loop.call_later(self._limits.close_seconds, self._transport.abort)",
                "self._loop.call_later(3600, self._transport.abort)",
            ),
            f"{T_SOCKETS}::test_a_peer_that_does_not_answer_our_close_is_cut_off",
        ),
        fault(
            "a job waits for the database, for ever",
            Edit(
                THREADS,
                "asyncio.timeout_at(min(by, loop.time() + self._deadline_s))",
                "asyncio.timeout(None)",
            ),
            f"{T_THREADS}::test_a_job_that_cannot_begin_in_time_is_withdrawn",
        ),
        fault(
            "a sign-in waits for its hash, for ever",
            Edit(PASSWORDS, "asyncio.timeout(self._policy.patience_s)", "asyncio.timeout(None)"),
            f"{T_PASSWORDS}::test_who_waits_too_long_is_told",
        ),
        fault(
            "a drain takes as long as it likes",
            Edit("backend/gameroom/server.py", "timeout=timeout, return_when", "timeout=None, return_when"),
            "tests/integration/test_server.py::test_a_drain_has_a_deadline",
        ),
        fault(
            "a stop waits for news while the database is away",
            Edit(
                "backend/gameroom/rooms/news.py",
                "await pause(PAUSE_S, unless=self._stop)",
                "await asyncio.sleep(PAUSE_S)",
            ),
            "tests/unit/rooms/test_news.py::test_a_stop_does_not_wait_for_news_while_the_database_is_away",
        ),
        fault(
            "a CREATE waits as long as any write",
            Edit(
                "backend/gameroom/rooms/creation.py",
                "self._journal.create(birth, ask.expires_at)",
                "self._journal.create(birth)",
            ),
            "tests/unit/rooms/test_opening.py::test_a_create_has_one_deadline_in_all",
        ),
        fault(
            "writes have no deadline of their own",
            Edit(
                "backend/gameroom/storage/bounded_threads.py",
                "timeout_at(min(by, loop.time() + self._deadline_s))",
                "timeout_at(loop.time() + self._deadline_s)",
            ),
            "tests/unit/storage/test_bounded_threads.py::test_a_job_that_must_begin_sooner_is_withdrawn_sooner",
            "tests/unit/storage/test_group_commit.py::test_a_create_that_cannot_begin_in_time_is_not_stored",
        ),
    ),
    "Both encodings say the same": (
        fault(
            "what is too long in MessagePack only passes",
            Edit(
                FRAMES,
                "return length <= max_bytes and len(pack(frame)) <= max_bytes",
                "return length <= max_bytes",
            ),
            f"{T_PACKED}::test_what_is_too_long_in_either_encoding_does_not_fit",
            "tests/unit/rooms/test_deciding.py"
            "::test_an_event_that_is_too_big_in_an_encoding_that_nobody_may_use_is_refused",
        ),
        fault(
            "MessagePack is thought to be at most twice as long",
            Edit(FRAMES, "if length * 5 <= max_bytes * 2:", "if length * 2 <= max_bytes:"),
            f"{T_PACKED}::test_what_is_too_long_in_either_encoding_does_not_fit",
        ),
        fault(
            "what only MessagePack has becomes a string",
            Edit(
                CODEC,
                "check_free_json(value, MAX_FIELD_DEPTH)",
                "check_free_json(to_builtins(value), MAX_FIELD_DEPTH)",
            ),
            f"{T_PACKED}::test_what_free_json_may_not_hold",
        ),
        fault(
            "a packed command has no id",
            Edit(
                CODEC,
                "_checked(_packed_decoder.decode(frame), ",
                "_checked(structs.replace(_packed_decoder.decode(frame), id=None), ",
            ),
            f"{T_PACKED}::test_a_command_is_typed",
            "tests/property/test_packed.py::test_a_command_is_the_same_in_both_encodings",
        ),
        fault(
            "whole numbers are packed as integers",
            Edit(FRAMES, "json.Decoder()", "json.Decoder(float_hook=lambda number: int(float(number)))"),
            "tests/property/test_packed.py::test_all_free_json_can_be_packed_and_comes_out_as_it_was",
        ),
        fault(
            "a frame is packed anew for everyone",
            Edit(FRAMES, "        if self._packed is None:\n", "        if True:\n"),
            f"{T_WIRE}::test_one_event_is_packed_once_for_all_who_share_it",
        ),
        fault(
            "MessagePack leaves in text",
            Edit(WIRE, "self.socket.send_binary(frame)", "self.socket.send_text(frame)"),
            f"{T_WIRE}::test_frames_leave_as_agreed_also_those_sent_before_the_socket_is_open",
        ),
    ),
    "What a peer says does not depend on how it arrives": (
        fault(
            "a burst has its way before anybody else is heard",
            Edit(FAST_SOCKET, "for _ in range(MESSAGES_AT_ONCE):", "for _ in range(1_000_000):"),
            f"{T_SOCKETS}::test_a_burst_lets_others_be_heard",
        ),
        fault(
            "a fragment may begin while another message is not whole",
            Edit(
                PARSER,
                "        if self._message is not None:\n            raise",
                "        if False:\n            raise",
            ),
            f"{T_PARSER}::test_what_the_rfc_forbids_is_told_at_once",
        ),
        fault(
            "a piece that arrives takes the place of the one before",
            Edit(
                PARSER, "            self._buffer += data\n", "            self._buffer = bytearray(data)\n"
            ),
            f"{T_PARSER}::test_what_is_said_does_not_depend_on_how_it_arrives",
        ),
        fault(
            "a length of 64 bits is believed",
            Edit(f"{GATEWAY}/fast_path/framing.py", "        if length >> 63:", "        if False:"),
            f"{TESTS}/test_framing.py::test_what_is_no_frame_is_known_by_its_head",
        ),
    ),
    "Whatever a client sends, it gets one clear answer": (
        fault(
            "what is nested too deep for the decoder is nobody's fault",
            Edit(
                CODEC,
                "_FAULTS = (DecodeError, UnicodeError, RecursionError, NotFreeJson)",
                "_FAULTS = (DecodeError, UnicodeError, NotFreeJson)",
            ),
            f"{T_CODEC}::test_malformed_frames",
            f"{T_PACKED}::test_malformed_frames",
        ),
        fault(
            "free JSON is not looked at",
            Edit(
                CODEC,
                "            check_free_json(value, MAX_FIELD_DEPTH)\n",
                "            pass\n",
            ),
            f"{T_CODEC}::test_malformed_frames",
            f"{T_PACKED}::test_what_free_json_may_not_hold",
            "tests/property/test_codec.py::test_decoding_takes_exactly_what_the_walker_takes",
        ),
        fault(
            "unknown fields are ignored",
            Edit(
                "backend/gameroom/protocol/commands.py",
                'class Command(Struct, tag_field="type", forbid_unknown_fields=True,',
                'class Command(Struct, tag_field="type",',
            ),
            f"{T_CODEC}::test_a_wrong_field_is_pointed_at",
        ),
        fault(
            "junk may be sent without end",
            Edit(CONNECTION, "if self._malformed >= MALFORMED_IN_A_ROW:", "if False:"),
            f"{T_CONNECTION}::test_twenty_malformed_frames_in_a_row_end_the_connection",
        ),
        fault(
            "a long message is passed on",
            Edit(FAST_SOCKET, "self._parser.most = limits.message_bytes", "pass"),
            f"{T_SOCKETS}::test_our_own_limit_holds_where_the_servers_is_higher",
        ),
    ),
}
