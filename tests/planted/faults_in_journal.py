"""Faults in what is stored, by whom, and in what is told of it."""

from tests.planted.fault import Edit, Faults, fault

STORAGE = "backend/gameroom/storage"
BATCHES = f"{STORAGE}/sqlite_batches.py"
POSTGRES_BATCHES = f"{STORAGE}/postgres_batches.py"
LANES = f"{STORAGE}/lanes.py"
INSISTENCE = f"{STORAGE}/insistence.py"
JOURNAL = f"{STORAGE}/journal.py"
PLACEMENT = f"{STORAGE}/placement.py"
SQLITE = f"{STORAGE}/sqlite.py"
THREADS = f"{STORAGE}/bounded_threads.py"
OPENING = "backend/gameroom/rooms/opening.py"
ACTOR = "backend/gameroom/rooms/actor.py"
MAILBOX = "backend/gameroom/rooms/mailbox.py"

C_JOURNAL = "tests/contract/test_journal.py"
C_PLACEMENT = "tests/contract/test_placement.py"
T_BATCHES = "tests/unit/storage/test_group_commit.py"
T_ENGINE = "tests/unit/storage/test_engine.py"

FAULTS: Faults = {
    "Stored means synced to the disk": (
        fault(
            "commits are not synced",
            Edit(SQLITE, "synchronous=FULL", "synchronous=NORMAL"),
            f"{T_ENGINE}::test_the_writer_syncs_every_commit_and_checks_references",
            f"{T_ENGINE}::test_after_a_failed_commit_the_new_connection_is_set_up_like_the_first",
        ),
        fault(
            "what is appended is told before it is written",
            Edit(
                JOURNAL,
                "        units = [entry.unit for entry in batch]\n",
                "        units = [entry.unit for entry in batch]\n"
                "        _tell(batch, [True] * len(batch))\n"
                "        await asyncio.sleep(0.05)\n",
            ),
            f"{T_BATCHES}::test_while_the_file_is_locked_appends_wait_and_are_then_stored_once",
            "tests/unit/storage/test_kill.py::test_what_was_acknowledged_survives_every_kill",
            "tests/e2e/test_kill_and_restart.py::"
            "test_every_acked_command_is_there_and_a_resent_one_is_applied_once",
        ),
    ),
    "A unit is stored whole or not at all": (
        fault(
            "work that fails is committed as far as it came",
            Edit(
                LANES,
                "            result = work(connection)\n            with self._doubts(connection):\n",
                "            try:\n                result = work(connection)\n"
                "            finally:\n                connection.commit()\n"
                "            with self._doubts(connection):\n",
            ),
            f"{T_ENGINE}::test_work_that_raises_changes_nothing",
            f"{C_JOURNAL}::test_a_unit_is_stored_whole_or_not_at_all",
        ),
    ),
    "`unavailable` means certainly not applied": (
        fault(
            "a COMMIT that failed midway counts as rolled back",
            Edit(
                SQLITE,
                "in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL)",
                "in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)",
            ),
            f"{T_ENGINE}::test_a_commit_that_fails_midway_has_no_known_outcome",
        ),
        fault(
            "a write that has begun is given up at its deadline",
            Edit(
                THREADS,
                "        return await asyncio.shield(running)\n",
                "        try:\n"
                "            return await asyncio.wait_for(asyncio.shield(running), self._deadline_s)\n"
                "        except TimeoutError:\n"
                '            raise Unavailable("The database is too slow") from None\n',
            ),
            f"{T_ENGINE}::test_a_job_that_has_begun_is_awaited_beyond_the_deadline",
        ),
        fault(
            "a command that was withdrawn is decided later",
            Edit(
                MAILBOX,
                "                self._asks -= 1\n                tell_one(",
                "                self._entries.append(Ask(entry.request, lambda _: None, now + 3600))\n"
                "                tell_one(",
            ),
            "tests/unit/rooms/test_actor.py::"
            "test_an_undecided_command_is_withdrawn_at_its_deadline_a_decided_one_is_not",
        ),
        fault(
            "a repeat is called unapplied while its first copy is in doubt",
            Edit(
                ACTOR,
                "        return self.room.has_decided(",
                "        return False and self.room.has_decided(",
            ),
            "tests/unit/rooms/test_actor.py::test_nothing_is_told_of_a_repeat_while_its_first_copy_is_in_doubt",
        ),
        fault(
            "a doubtful CREATE is given up when the database goes away",
            Edit(
                JOURNAL,
                "return await twice(lambda: insist(write, in_doubt, in_doubt=True))",
                "return await twice(lambda: write(in_doubt))",
            ),
            f"{T_BATCHES}::test_a_doubtful_create_is_not_given_up_when_the_database_goes_away",
        ),
    ),
    "In doubt, the same bytes are appended until their fate is known": (
        fault(
            "appends give up when the database is away",
            Edit(INSISTENCE, "        except Unavailable:\n", "        except ZeroDivisionError:\n"),
            f"{T_BATCHES}::test_while_the_file_is_locked_appends_wait_and_are_then_stored_once",
        ),
        fault(
            "what is stored already counts as a conflict",
            Edit(BATCHES, "_insert(connection, _INSERT_UNLESS_THERE,", "_insert(connection, _INSERT,"),
            f"{T_BATCHES}::test_a_doubtful_commit_ends_with_each_unit_stored_once",
            f"{C_JOURNAL}::test_the_same_unit_again_is_stored_once",
        ),
        fault(
            "what stands at the position counts as ours, whatever it is",
            Edit(BATCHES, "    return stored == record.hash", "    return stored is not None"),
            f"{C_JOURNAL}::test_another_record_of_the_same_seq_is_refused",
        ),
        fault(
            "after a doubtful COMMIT an odd error passes for a refusal",
            Edit(INSISTENCE, "            if not in_doubt:\n                raise\n", "            raise\n"),
            f"{T_BATCHES}::test_after_a_doubtful_commit_an_odd_error_does_not_pass_for_a_refusal",
        ),
        fault(
            "a doubtful CREATE passes for a repeat",
            Edit(
                JOURNAL,
                "partial(bear, birth=birth, in_doubt=True)",
                "partial(bear, birth=birth, in_doubt=False)",
            ),
            f"{T_BATCHES}::test_a_doubtful_create_makes_one_room_and_is_no_repeat",
        ),
        fault(
            "a doubtful unit of a room that was claimed is stored after all",
            Edit(
                BATCHES,
                "    (owned,) = _owned(connection, [unit])",
                "    owned = True",
            ),
            f"{T_BATCHES}::test_a_claim_after_a_doubtful_commit_leaves_the_unit_stored_or_fenced",
        ),
    ),
    "Only the present owner of a room writes": (
        fault(
            "former owners append on",
            Edit(
                BATCHES,
                "return [terms.get(each.room_id) == each.term for each in written]",
                "return [each.room_id in terms for each in written]",
            ),
            f"{C_JOURNAL}::test_the_fence_in_every_order_of_three_steps",
            f"{C_JOURNAL}::test_a_fenced_unit_harms_no_other_of_its_batch",
        ),
        fault(
            "a room that was given back can be written",
            Edit(BATCHES, "WHERE home IS NOT NULL AND room_id IN", "WHERE room_id IN"),
            f"{C_PLACEMENT}::test_after_a_release_nothing_of_that_term_is_stored",
        ),
        fault(
            "former owners save snapshots",
            Edit(BATCHES, "owned = _owned(connection, kept)", "owned = [True for _ in kept]"),
            f"{C_JOURNAL}::test_the_snapshot_of_a_former_owner_is_fenced",
            f"{C_JOURNAL}::test_a_fenced_snapshot_harms_no_other_that_is_kept_with_it",
        ),
        fault(
            "snapshots of a former owner are kept in PostgreSQL",
            Edit(POSTGRES_BATCHES, "    JOIN fence USING (room_id, term)\n", ""),
            f"{C_JOURNAL}::test_the_snapshot_of_a_former_owner_is_fenced",
            f"{C_JOURNAL}::test_a_fenced_snapshot_harms_no_other_that_is_kept_with_it",
        ),
        fault(
            "a claim leaves the term as it is",
            Edit(PLACEMENT, ".values(term=rooms.c.term + 1, home=home)", ".values(home=home)"),
            f"{C_PLACEMENT}::test_a_claim_raises_the_term_and_tells_the_game",
            f"{C_PLACEMENT}::test_claims_at_once_get_terms_of_their_own",
        ),
        fault(
            "a former owner gives the room back",
            Edit(
                PLACEMENT,
                "(rooms.c.room_id == room_id, rooms.c.term == term, ",
                "(rooms.c.room_id == room_id, ",
            ),
            f"{C_PLACEMENT}::test_a_former_owner_cannot_release",
        ),
        fault(
            "the listing of a fenced unit is written",
            Edit(
                BATCHES,
                "for unit in kept if unit.listing is not None}",
                "for unit in units if unit.listing is not None}",
            ),
            f"{C_PLACEMENT}::test_the_listing_of_a_fenced_unit_changes_nothing",
        ),
    ),
    "A room is claimed before it is read": (
        fault(
            "a room is read before it is claimed",
            (
                Edit(
                    OPENING,
                    "        claim = await self._placement.claim(room_id, self._home)\n",
                    "        self._early = await self._journal.recover(room_id)\n"
                    "        claim = await self._placement.claim(room_id, self._home)\n",
                ),
                Edit(
                    OPENING, "recovery = await self._journal.recover(claim.room_id)", "recovery = self._early"
                ),
            ),
            "tests/unit/rooms/test_opening.py::test_a_room_is_claimed_before_it_is_read",
        ),
        fault(
            "a read that failed costs the room its clean hand-over",
            Edit(
                OPENING,
                "self._claims.get(room_id) or await self._claim(room_id)",
                "await self._claim(room_id)",
            ),
            "tests/unit/rooms/test_opening.py::test_a_read_that_fails_after_the_claim_loses_no_play",
        ),
        fault(
            "a room that was taken from a dead owner counts as handed over",
            Edit(PLACEMENT, "clean = row.released_term == row.term - 1", "clean = True"),
            f"{C_PLACEMENT}::test_a_room_taken_from_a_dead_owner_is_not_clean",
            f"{C_PLACEMENT}::test_a_room_is_clean_only_right_after_its_release",
        ),
    ),
    "The busier the server, the fewer syncs a record costs": (
        fault(
            "every unit is a batch of its own",
            Edit(
                JOURNAL,
                "if records > BATCH_RECORDS or size > BATCH_BYTES:",
                "if batch:",
            ),
            f"{T_BATCHES}::test_batches_are_larger_than_one_under_load",
            f"{T_BATCHES}::test_units_that_arrive_during_a_write_share_the_next",
        ),
        fault(
            "batches are not bounded",
            Edit(
                JOURNAL,
                "if records > BATCH_RECORDS or size > BATCH_BYTES:",
                "if False:",
            ),
            f"{T_BATCHES}::test_batches_are_bounded",
        ),
        fault(
            "one unit at fault costs the whole batch",
            Edit(
                JOURNAL,
                "            await self._settle_each(batch, in_doubt=isinstance(error, OutcomeUnknown))\n",
                "            for entry in batch:\n                entry.failed(Refused(str(error)))\n",
            ),
            f"{T_BATCHES}::test_only_the_unit_at_fault_is_refused",
            f"{C_JOURNAL}::test_a_refused_unit_harms_no_other_of_its_batch",
        ),
        fault(
            "one fenced unit costs the whole batch",
            Edit(
                JOURNAL,
                "            _tell(batch, owned)\n",
                "            _tell(batch, [all(owned)] * len(owned))\n",
            ),
            f"{C_JOURNAL}::test_a_fenced_unit_harms_no_other_of_its_batch",
        ),
    ),
    "In SQLite one process writes, on one connection": (
        fault(
            "a second server may open the file",
            Edit(
                SQLITE,
                "            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
                "            pass\n",
            ),
            f"{T_ENGINE}::test_a_second_server_is_told_who_has_the_file",
            f"{T_ENGINE}::test_a_second_process_is_told_too",
        ),
        fault(
            "several threads write",
            Edit(
                SQLITE,
                "writer = Pool(writer_engine(self._file), 1)",
                "writer = Pool(writer_engine(self._file), 4)",
            ),
            f"{T_ENGINE}::test_all_writes_are_on_one_thread",
        ),
        fault(
            "readers may write",
            Edit(SQLITE, 'pragmas=("query_only=ON",)', "pragmas=()"),
            f"{T_ENGINE}::test_a_reader_cannot_write",
        ),
    ),
}
