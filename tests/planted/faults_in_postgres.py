"""Faults in how PostgreSQL is spoken to, where several nodes do it at once."""

from tests.planted.fault import Edit, Faults, fault

STORAGE = "backend/gameroom/storage"
ACCOUNTS = f"{STORAGE}/accounts.py"
BATCHES = f"{STORAGE}/postgres_batches.py"
ENGINE = f"{STORAGE}/engine.py"
EPOCHS = f"{STORAGE}/epochs.py"
INSISTENCE = f"{STORAGE}/insistence.py"
MIGRATE = f"{STORAGE}/migrate.py"
PLACEMENT = f"{STORAGE}/placement.py"
POSTGRES = f"{STORAGE}/postgres.py"

TESTS = "tests/postgres"
T_DOUBTS = f"{TESTS}/test_doubts.py"
T_FAILURES = f"{TESTS}/test_failures.py"
T_FENCE = f"{TESTS}/test_fence.py"
T_FROZEN = f"{TESTS}/test_frozen_owner.py"
T_MIGRATE = f"{TESTS}/test_migrate.py"
T_RACES = f"{TESTS}/test_races.py"
T_SETUP = f"{TESTS}/test_setup.py"

INTERLEAVINGS = f"{T_FENCE}::test_the_late_append_of_a_former_owner_in_every_interleaving"

FAULTS: Faults = {
    "A claim and an append exclude each other, and neither waits for who is frozen": (
        fault(
            "the fence looks, and does not lock",
            Edit(BATCHES, "    ORDER BY room_id FOR NO KEY UPDATE\n", "    ORDER BY room_id\n"),
            INTERLEAVINGS,
        ),
        fault(
            "records of a former owner are stored in PostgreSQL",
            Edit(BATCHES, "AS new ({_COLUMNS}) JOIN fence USING (room_id, term)", "AS new ({_COLUMNS})"),
            INTERLEAVINGS,
        ),
        fault(
            "two appends to one room shut each other out",
            Edit(BATCHES, "    ORDER BY room_id FOR NO KEY UPDATE\n", "    ORDER BY room_id FOR SHARE\n"),
            f"{T_FENCE}::test_two_appends_to_one_room_do_not_block_each_other",
        ),
        fault(
            "an append is a transaction of several messages",
            Edit(
                POSTGRES,
                "appender=Pool(self._engine(APPENDERS, None), APPENDERS, autocommit=True)",
                'appender=Pool(self._engine(APPENDERS, "BEGIN"), APPENDERS)',
            ),
            f"{T_FROZEN}::test_an_append_that_stops_on_its_way_keeps_nobody_from_its_room",
        ),
        fault(
            "a claim takes the room whoever has it meanwhile",
            Edit(
                PLACEMENT,
                "taken = update(rooms).where(rooms.c.room_id == room_id, rooms.c.term == term)",
                "taken = update(rooms).where(rooms.c.room_id == room_id)",
            ),
            f"{T_DOUBTS}::test_a_claim_that_arrives_late_takes_nothing",
        ),
    ),
    "Without the server's word nothing is certain": (
        fault(
            "no answer to a COMMIT means that it was undone",
            Edit(POSTGRES, "            return not _is_of_connection(error)\n", "            return True\n"),
            f"{T_DOUBTS}::test_a_create_without_an_answer_makes_one_room_and_is_no_repeat",
        ),
        fault(
            "a session that was ended at COMMIT was undone",
            Edit(POSTGRES, 'return _severity(error) == "ERROR" and code not in _UNTOLD', "return True"),
            f"{T_FAILURES}::test_a_session_that_is_ended_at_commit_leaves_it_unknown",
        ),
        fault(
            "what the server has refused is in doubt",
            Edit(POSTGRES, 'return _severity(error) == "ERROR" and code not in _UNTOLD', "return False"),
            f"{T_FAILURES}::test_an_error_of_the_database_is_unavailable_and_certain",
        ),
        fault(
            "in PostgreSQL, what is stored already counts as a conflict",
            Edit(BATCHES, "    if not _are_stored(connection, unit):\n", "    if True:\n"),
            f"{T_DOUBTS}::test_an_append_without_an_answer_is_stored_once",
            f"{T_DOUBTS}::test_of_a_batch_without_an_answer_each_unit_is_stored_once",
        ),
    ),
    "A doubt waits for its ghost": (
        fault(
            "a claim in doubt looks only at what is committed",
            Edit(PLACEMENT, ".with_for_update(read=True)", ""),
            f"{T_DOUBTS}::test_a_claim_in_doubt_waits_for_its_ghost",
        ),
        fault(
            "a CREATE in doubt that meets its ghost is taken for another's",
            Edit(
                INSISTENCE,
                "    except IntegrityError:\n        return await attempt()\n",
                "    except IntegrityError:\n        raise\n",
            ),
            f"{T_DOUBTS}::test_a_create_in_doubt_waits_for_its_ghost",
            f"{T_RACES}::test_a_name_a_device_and_a_key_are_taken_once_on_all_nodes",
        ),
        fault(
            "a new epoch in doubt looks before its ghost has ended",
            Edit(EPOCHS, "locked.with_for_update()", "locked"),
            f"{T_DOUBTS}::test_a_new_epoch_in_doubt_waits_for_its_ghost",
        ),
    ),
    "Who signs in meets what the account has become": (
        fault(
            "a name that the same request took meanwhile is another's",
            Edit(
                ACCOUNTS,
                "            if once and remembers(connection, once):\n"
                "                return None\n            raise\n",
                "            raise\n",
            ),
            f"{T_RACES}::test_a_name_that_the_same_request_took_meanwhile_is_not_taken_by_another",
        ),
        fault(
            "an upgrade in doubt does not wait for the first attempt",
            Edit(
                ACCOUNTS,
                "    guest = locked_account(connection, by.user_id)  # waits for an attempt before this one\n"
                "    if holder := holder_of(connection, sign_in.sign_in_id):\n"
                "        return holder.account  # it was stored after all\n",
                "    if holder := holder_of(connection, sign_in.sign_in_id):\n"
                "        return holder.account\n"
                "    guest = locked_account(connection, by.user_id)\n",
            ),
            f"{T_DOUBTS}::test_an_upgrade_in_doubt_waits_for_its_ghost",
        ),
        fault(
            "an account may change while a sign-in to it is stored",
            Edit(
                "backend/gameroom/storage/sign_ins.py",
                "user_with(family.user_id).with_for_update(read=True)",
                "user_with(family.user_id)",
            ),
            f"{T_RACES}::test_a_sign_in_on_its_way_is_ended_by_what_changes_the_account",
            f"{T_RACES}::test_a_change_on_its_way_refuses_who_signs_in_with_what_was",
        ),
    ),
    "Nodes that migrate at once make one schema": (
        fault(
            "nobody locks the schema",
            Edit(MIGRATE, "        backend.lock_schema(connection)\n", ""),
            f"{T_MIGRATE}::test_nodes_that_migrate_at_once_make_one_schema",
        ),
    ),
    "PostgreSQL keeps what it took, in bounded time, and shows nobody's values": (
        fault(
            "a server that does not sync is good enough",
            Edit(POSTGRES, 'fsync != "on"', "False"),
            f"{T_SETUP}::test_a_server_that_does_not_sync_is_refused",
        ),
        fault(
            "a database that commits before it syncs is good enough",
            Edit(POSTGRES, 'synchronous_commit == "off"', "False"),
            f"{T_SETUP}::test_a_database_that_would_lose_what_it_took_is_refused",
        ),
        fault(
            "statements may take for ever",
            Edit(POSTGRES, '"statement_timeout": str(STATEMENT_TIMEOUT_MS)', '"statement_timeout": "0"'),
            f"{T_SETUP}::test_every_session_has_its_bounds_and_nothing_prepared",
        ),
        fault(
            "accounts are written on the connections of appends",
            Edit(ENGINE, "if pools.appender is pools.writer", "if True"),
            f"{T_SETUP}::test_account_writes_do_not_delay_appends",
        ),
        fault(
            "errors show the values of rows",
            Edit(
                POSTGRES,
                "                error.args = (error.diag.message_primary,)\n",
                "                pass\n",
            ),
            f"{T_FAILURES}::test_details_stay_out_of_errors",
        ),
        fault(
            "the database is shown with its user and password",
            Edit(
                POSTGRES,
                "return f\"postgresql://{self._url.host or ''}{port}/{self._url.database}\"",
                "return self._url.render_as_string(hide_password=False)",
            ),
            f"{T_SETUP}::test_a_url_is_shown_without_user_and_password",
            f"{T_SETUP}::test_no_command_shows_the_password",
        ),
    ),
}
