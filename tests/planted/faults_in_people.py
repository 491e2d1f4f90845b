"""Faults in who gets in, and in what becomes known of people and their secrets."""

from tests.planted.fault import Edit, Faults, fault

IDENTITY = "backend/gameroom/identity"
ACCESS = f"{IDENTITY}/access.py"
ACCOUNTS = f"{IDENTITY}/accounts.py"
CHANGES = f"{IDENTITY}/account_changes.py"
FAMILY = f"{IDENTITY}/family.py"
PASSWORDS = f"{IDENTITY}/passwords.py"
REVOCATIONS = f"{IDENTITY}/revocations.py"
SIGN_INS = f"{IDENTITY}/sign_ins.py"
TOKENS = f"{IDENTITY}/tokens.py"
STORES = "backend/gameroom/storage/accounts.py"
SIGN_INS_STORE = "backend/gameroom/storage/sign_ins.py"
TOGETHER = "backend/gameroom/storage/together.py"
USERS = "backend/gameroom/storage/users.py"
SQLITE = "backend/gameroom/storage/sqlite.py"
LOGS = "backend/gameroom/telemetry/logs.py"
ROOMS = "backend/gameroom/rooms"
VIEWS = f"{ROOMS}/views.py"
GATEWAY = "backend/gameroom/gateway"

CREDENTIALS = "backend/gameroom/api/credentials.py"

C_STORES = "tests/contract/test_identity_stores.py"
C_CHANGES = "tests/contract/test_account_changes.py"
R_ACCOUNTS = "tests/regression/test_accounts.py"
T_ACCESS = "tests/unit/identity/test_access.py"
T_ACCOUNTS = "tests/unit/identity/test_accounts.py"
T_CHANGES = "tests/unit/identity/test_account_changes.py"
T_CONNECTION = "tests/unit/gateway/test_connection.py"
T_LOGS = "tests/unit/test_logs.py"
T_PASSWORDS = "tests/unit/identity/test_passwords.py"
T_PUBLISHING = "tests/unit/rooms/test_publishing.py"
T_REVOCATIONS = "tests/unit/identity/test_revocations.py"
T_SIGN_INS = "tests/unit/identity/test_sign_ins.py"
T_TOKENS = "tests/security/test_tokens.py"

FORGERY = f"{T_TOKENS}::test_a_forgery_is_one_401_that_tells_nothing"

FAULTS: Faults = {
    "A token opens the door only if all of it holds": (
        fault(
            "tokens of anybody for anybody pass",
            Edit(TOKENS, "if (claims.iss, claims.aud) != ours or max(", "if max("),
            FORGERY,
        ),
        fault(
            "who was let in once vouches for whoever copies the rest",
            Edit(TOKENS, "mark = fingerprint(token)", 'mark = fingerprint(token.rpartition(".")[0])'),
            f"{T_TOKENS}::test_one_that_was_good_vouches_for_no_other",
        ),
        fault(
            "any key of ours may have signed",
            Edit(TOKENS, "self._verifying[header.kid]", "next(iter(self._verifying.values()))"),
            FORGERY,
            f"{T_TOKENS}::test_a_new_key_signs_and_the_old_one_verifies_until_it_is_retired",
        ),
        fault(
            "headers may say what we do not heed",
            Edit(
                TOKENS,
                "class Header(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):",
                "class Header(Struct, frozen=True, kw_only=True):",
            ),
            FORGERY,
        ),
        fault(
            "a token for another use passes",
            Edit(TOKENS, '    token_use: Literal["access"]', "    token_use: str"),
            FORGERY,
        ),
        fault(
            "what a decoder chokes on is our failure",
            Edit(TOKENS, "    JOSEError,\n    RecursionError,\n", "    JOSEError,\n"),
            FORGERY,
        ),
        fault(
            "tokens never expire",
            Edit(TOKENS, "        if now >= claims.exp:\n", "        if False:\n"),
            f"{T_TOKENS}::test_a_good_token_that_is_too_old_is_told_so",
            f"{T_ACCESS}::test_a_token_expires",
        ),
        fault(
            "a token of an ended sign-in opens",
            Edit(SIGN_INS, "    if holder.ended:\n", "    if False:\n"),
            f"{T_ACCESS}::test_an_ended_sign_in_opens_nothing",
        ),
        fault(
            "a token for somebody else's sign-in opens",
            Edit(ACCESS, "if principal.user.user_id != claims.sub:", "if False:"),
            f"{T_ACCESS}::test_a_token_for_a_sign_in_of_somebody_else_is_refused",
        ),
        fault(
            "who is suspended gets in",
            Edit(
                SIGN_INS,
                "    holder.account.require_active(now)\n    if holder.ended:",
                "    if holder.ended:",
            ),
            f"{T_ACCESS}::test_a_suspended_user_is_told_so",
        ),
    ),
    "A ticket opens one socket, and soon": (
        fault(
            "tickets may be used again",
            Edit(
                "backend/gameroom/storage/tickets.py",
                "delete(tickets).where(tickets.c.ticket_hash == ticket_hash).returning(tickets)",
                "select(tickets).where(tickets.c.ticket_hash == ticket_hash)",
            ),
            f"{C_STORES}::test_a_ticket_is_taken_once",
        ),
        fault(
            "tickets last for ever",
            Edit(f"{IDENTITY}/tickets.py", " or self._clock.now() >= taken.ticket.expires_at:", ":"),
            f"{T_ACCESS}::test_a_ticket_lasts_half_a_minute",
        ),
        fault(
            "a ticket outlives the token that bought it",
            Edit(ACCESS, "if self._clock.now() >= spent.token_expires_at:", "if False:"),
            f"{T_ACCESS}::test_a_ticket_opens_nothing_once_its_token_has_expired",
        ),
    ),
    "A refresh token that is used twice ends its sign-in": (
        fault(
            "reuse is refused and nothing else",
            Edit(FAMILY, 'return family.ended(now), "reused"', 'return family, "reused"'),
            f"{T_SIGN_INS}::test_a_token_whose_successor_was_used_is_not_forgiven",
            "tests/contract/test_refresh_families.py::TestInMemory",
        ),
        fault(
            "a spent token is forgiven for ever",
            Edit(FAMILY, "return now - family.spent_at <= policy.leeway_s * 1000", "return True"),
            f"{T_SIGN_INS}::test_a_lost_answer_is_forgiven_for_half_a_minute",
        ),
        fault(
            "each use of a spent token begins its leeway anew",
            Edit(FAMILY, "spent_at=now if first_use else family.spent_at,", "spent_at=now,"),
            f"{T_SIGN_INS}::test_a_lost_answer_is_forgiven_for_half_a_minute",
        ),
        fault(
            "an ended sign-in is refreshed",
            Edit(FAMILY, "    if family.ended_at is not None:\n", "    if False:\n"),
            f"{T_SIGN_INS}::test_an_ended_sign_in_refreshes_no_more",
        ),
    ),
    "Sockets of an ended sign-in close within a second": (
        fault(
            "revocations are read every five seconds",
            Edit(REVOCATIONS, "INTERVAL_S = 0.5\n", "INTERVAL_S = 5.0\n"),
            "tests/integration/test_wire_tokens.py::test_logout_closes_the_sockets_of_the_sign_in_within_a_second",
        ),
        fault(
            "a sign-in ends and nobody is told",
            Edit(SIGN_INS_STORE, "if before.ended_at is None and after.ended_at is not None:", "if False:"),
            f"{C_STORES}::test_an_ended_sign_in_is_told_once",
        ),
        fault(
            "a suspension ends no sign-in",
            Edit(STORES, '            end_all(connection, user_id, now, "suspended")\n', ""),
            f"{C_STORES}::test_a_suspension_ends_every_sign_in_with_its_revocation",
        ),
        fault(
            "a revocation that commits late is missed",
            Edit(REVOCATIONS, "OVERLAP_S = 30.0\n", "OVERLAP_S = -1.0\n"),
            f"{T_REVOCATIONS}::test_one_that_commits_after_a_higher_number_is_not_missed",
        ),
        fault(
            "one failing read of revocations is the last",
            Edit(
                REVOCATIONS,
                "            except Exception:\n                # Whatever stops one poll",
                "            except ZeroDivisionError:\n                # Whatever stops one poll",
            ),
            f"{T_REVOCATIONS}::test_a_failing_poll_is_logged_and_the_next_one_comes",
        ),
        fault(
            "sockets stay open",
            Edit(
                f"{GATEWAY}/connections.py",
                "if connection.principal.sign_in_id == revocation.sign_in_id:",
                "if False:",
            ),
            f"{T_CONNECTION}::test_a_revoked_sign_in_ends_its_connections_and_no_others",
            f"{T_CONNECTION}::test_a_revocation_also_meets_a_handshake_under_way",
        ),
        fault(
            "a sign-in that ends while its token is checked gets in",
            Edit(
                f"{GATEWAY}/environment.py",
                "if revocation := self.revocations.last(principal.sign_in_id, None):",
                "if (revocation := self.revocations.last(principal.sign_in_id, None)) and False:",
            ),
            "tests/unit/gateway/test_endpoint.py::test_a_sign_in_that_ends_while_it_is_checked_gets_nowhere",
            f"{T_CONNECTION}::test_a_revocation_while_another_token_is_checked_is_not_missed",
        ),
    ),
    "What an operator takes away is gone within a second": (
        fault(
            "who loses a role keeps the sign-ins that had it",
            Edit(
                STORES,
                """account.without_role(role))
        end_all(connection, user_id, now, "signed_out")
""",
                """account.without_role(role))
""",
            ),
            f"{C_CHANGES}::test_a_role_that_is_taken_away_ends_the_sign_ins_that_had_it",
        ),
        fault(
            "operators wait until the server is stopped",
            Edit(
                "backend/gameroom/storage/sqlite.py",
                "        return nullcontext()\n",
                "        return locked(self._file)\n",
            ),
            "tests/integration/test_cli_users.py::test_it_takes_no_lock_that_a_server_needs_or_has",
        ),
        fault(
            "who comes during a read is answered by it",
            Edit(
                TOGETHER,
                "        asked, self._asked = self._asked, []\n",
                "        asked = self._asked\n",
            ),
            "tests/unit/storage/test_together.py"
            "::test_who_asks_while_one_is_under_way_hears_what_held_after_it_had_asked",
        ),
        fault(
            "the token says which roles somebody has",
            Edit(
                ACCESS,
                "        if principal.user.user_id != claims.sub:\n",
                "        principal.user.roles[:] = claims.roles\n        if principal.user.user_id != claims.sub:\n",
            ),
            f"{T_ACCESS}::test_roles_are_those_of_the_account_not_of_the_token",
        ),
        fault(
            "a role comes back with late news to a credential just read",
            Edit(
                f"{GATEWAY}/environment.py",
                "user=replace(user, roles=principal.user.roles)",
                "user=user",
            ),
            f"{T_CONNECTION}::test_late_news_brings_no_role_back",
        ),
        fault(
            "a role comes back with late news to an open socket",
            Edit(
                f"{GATEWAY}/connection.py",
                "        user = replace(user, roles=self.principal.user.roles)\n",
                "",
            ),
            f"{T_CONNECTION}::test_late_news_brings_no_role_back",
        ),
    ),
    "Who is signed out changes nothing any more": (
        fault(
            "the caller is known before the body is there",
            Edit(
                CREDENTIALS,
                "    body = await read_bounded(request)\n    principal = await access.bearer_of(claims)\n",
                "    principal = await access.bearer_of(claims)\n    body = await read_bounded(request)\n",
            ),
            f"{R_ACCOUNTS}::test_a_token_that_is_revoked_while_the_body_dribbles_acts_no_more",
            "tests/unit/api/test_rooms.py::test_who_is_signed_out_while_the_body_comes_makes_no_room",
        ),
        fault(
            "bodies of strangers are waited for",
            Edit(
                CREDENTIALS,
                "    claims = access.claims_of(token_of(request))\n    body = await read_bounded(request)\n",
                "    body = await read_bounded(request)\n    claims = access.claims_of(token_of(request))\n",
            ),
            f"{R_ACCOUNTS}::test_a_stranger_is_refused_before_the_body",
        ),
        fault(
            "who was signed in when the call came changes the account",
            Edit(STORES, "    live_account(holder_of(connection, caller.sign_in_id), now)\n", "    return\n"),
            f"{C_CHANGES}::test_who_is_signed_out_meanwhile_changes_nothing",
            f"{R_ACCOUNTS}::test_a_sign_in_that_ends_while_a_password_is_hashed_upgrades_nobody",
        ),
    ),
    "Another password ends every other sign-in": (
        fault(
            "the others stay signed in",
            Edit(
                STORES,
                '        end_all(connection, by.user_id, change.at, "signed_out", but=by.sign_in_id)\n',
                "",
            ),
            f"{C_CHANGES}::test_a_new_password_ends_all_other_sign_ins",
            "tests/integration/test_users_api.py::test_a_new_password_ends_the_other_sign_ins_and_their_sockets",
        ),
        fault(
            "who comes second is told that theirs is the password now",
            Edit(
                STORES,
                "account is None or account.password_hash not in (change.old_hash, change.new_hash):",
                "account is None:",
            ),
            f"{C_CHANGES}::test_of_two_who_change_a_password_one_wins",
        ),
        fault(
            "a sign-in that was under way comes in with the old password",
            Edit(SIGN_INS, "if password_hash not in (None, account.password_hash):", "if False:"),
            f"{C_CHANGES}::test_no_sign_in_is_opened_with_a_former_password",
            f"{T_CHANGES}::test_a_sign_in_with_the_former_password_that_was_under_way_is_refused",
        ),
    ),
    "Nothing is left of a deleted account": (
        fault(
            "nobody is told that the sign-ins have ended",
            Edit(STORES, '    end_all(connection, user_id, now, "signed_out")\n    theirs', "    theirs"),
            f"{C_CHANGES}::test_nothing_is_left_of_who_is_deleted",
        ),
        fault(
            "tickets stay",
            Edit(
                STORES,
                "    connection.execute(delete(tickets).where(tickets.c.sign_in_id.in_(theirs)))\n",
                "    del theirs\n",
            ),
            f"{C_CHANGES}::test_nothing_is_left_of_who_is_deleted",
        ),
        fault(
            "the account stays, only signed out",
            Edit(STORES, "    connection.execute(delete(users).filter_by(user_id=user_id))\n", ""),
            f"{C_CHANGES}::test_name_device_and_key_of_who_is_deleted_are_free",
            "tests/e2e/test_gone_stays_gone.py::test_what_was_answered_about_accounts_holds_after_a_death",
        ),
        fault(
            "who is gone is a failure of ours",
            Edit(SIGN_INS, "    if account is None:\n        raise account_gone()\n", "    assert account\n"),
            f"{C_CHANGES}::test_who_is_deleted_opens_no_sign_in",
        ),
        fault(
            "connections hear of it by the next poll only",
            Edit(
                f"{GATEWAY}/connections.py",
                "            connection.end(closing.ACCOUNT_GONE)\n",
                "            pass\n",
            ),
            f"{T_CONNECTION}::test_a_deleted_account_ends_its_connections_at_once",
        ),
        fault(
            "an account that is deleted while its token is checked gets in",
            Edit(
                f"{GATEWAY}/environment.py",
                "            raise account_gone()\n",
                "            return principal\n",
            ),
            f"{T_CONNECTION}::test_an_account_that_is_deleted_while_its_token_is_checked_gets_nowhere",
        ),
    ),
    "No connection shows a former card": (
        fault(
            "nobody is told of a new name",
            Edit(CHANGES, "            self._news.changed(user_view(changed))\n", ""),
            f"{T_CHANGES}::test_every_change_of_a_card_is_told_once_it_is_stored",
        ),
        fault(
            "news overtake each other",
            Edit(
                CHANGES,
                "        async with self._turn(by.user_id):\n            changed = ",
                "        async with Lock():\n            changed = ",
            ),
            f"{T_CHANGES}::test_news_keep_the_order_in_which_things_were_stored",
        ),
        fault(
            "connections keep the card that they came with",
            Edit(f"{GATEWAY}/connections.py", "            connection.changed(user)\n", "            pass\n"),
            f"{T_CONNECTION}::test_a_changed_card_is_on_every_connection_of_the_user_at_once",
        ),
        fault(
            "what was read before the change is shown after it",
            Edit(f"{GATEWAY}/recent.py", "word if number > since else default", "default"),
            f"{T_CONNECTION}::test_a_card_that_changes_while_a_token_is_checked_is_not_shown_stale",
        ),
        fault(
            "old news replaces what was read after it",
            Edit(f"{GATEWAY}/recent.py", "word if number > since else default", "word"),
            f"{T_CONNECTION}::test_news_from_before_a_token_was_checked_is_not_held_against_it",
        ),
    ),
    "Signing in tells nothing to who guesses": (
        fault(
            "unknown names cost no hash",
            Edit(
                ACCOUNTS,
                "        verdict = await self._passwords.verify(password, stored)\n        if account is None or",
                "        if stored is None:\n"
                '            raise InvalidCredentials("The username or the password is wrong")\n'
                "        verdict = await self._passwords.verify(password, stored)\n        if account is None or",
            ),
            f"{T_ACCOUNTS}::test_wrong_and_unknown_cost_one_verification_each",
        ),
        fault(
            "who cannot be right is told at once",
            Edit(
                PASSWORDS,
                "            self._context.dummy_verify()\n            return Verdict(False)",
                "            return Verdict(False)",
            ),
            f"{T_PASSWORDS}::test_who_cannot_be_right_costs_a_hash_like_who_can",
        ),
        fault(
            "a suspension is told to who has not the password",
            Edit(
                ACCOUNTS,
                "        stored = account.password_hash if account else None\n",
                "        stored = account.password_hash if account else None\n"
                "        if account:\n            account.require_active(self._clock.now())\n",
            ),
            f"{T_ACCOUNTS}::test_a_suspension_for_good_has_no_end_and_is_told_only_to_the_owner",
        ),
    ),
    "A name, a device and a key belong to one account": (
        fault(
            "names differ by their case",
            Edit(USERS, "filter_by(username_folded=username.lower())", "filter_by(username=username)"),
            f"{C_STORES}::test_names_are_found_and_unique_whatever_the_case",
        ),
        fault(
            "a device makes a new guest each time",
            Edit(USERS, "    if device_hash is None:\n        return None\n", "    return None\n"),
            f"{C_STORES}::test_a_race_for_a_device_makes_one_guest",
        ),
        fault(
            "a key with other content finds the former account",
            Edit(ACCOUNTS, "if self.content_hash != content_hash:", "if False:"),
            f"{C_STORES}::test_a_key_finds_its_account_and_refuses_other_content",
            f"{T_ACCOUNTS}::test_a_key_with_other_content_is_refused",
        ),
    ),
    "Secrets stay out of records, frames, logs and errors": (
        fault(
            "room passwords get behind the edges in clear",
            Edit(
                f"{ROOMS}/room_passwords.py",
                "return replace(command, password=mac.hexdigest())",
                "return replace(command, password=command.password)",
            ),
            f"{T_CONNECTION}::test_room_passwords_leave_the_gateway_sealed",
        ),
        fault(
            "the password of an UPDATE leaves the gateway in clear",
            Edit(
                "backend/gameroom/rooms/room_passwords.py",
                "(CreateRoom, JoinRoom, UpdateRoom)",
                "(CreateRoom, JoinRoom)",
            ),
            f"{T_CONNECTION}::test_room_passwords_leave_the_gateway_sealed",
            f"{T_CONNECTION}::test_every_command_with_a_password_is_sealed",
        ),
        fault(
            "a view shows the MAC of the room's password",
            Edit(
                VIEWS,
                "        locked=room.locked,\n        has_password=room.password_mac is not None,",
                "        locked=room.locked,\n        has_password=room.password_mac or False,",
            ),
            f"{T_PUBLISHING}::test_what_a_room_password_opens_is_in_no_frame",
        ),
        fault(
            "a view shows the key of chance",
            Edit(VIEWS, "        result=play.result,", "        result=play.random_key,"),
            f"{T_PUBLISHING}::test_the_key_of_chance_is_in_no_frame",
        ),
        fault(
            "tokens are logged",
            Edit(LOGS, "    return _SECRET.sub(_without_value, text)", "    return text"),
            f"{T_LOGS}::test_redact_takes_the_secret_and_leaves_its_name",
            f"{T_LOGS}::test_no_argument_and_no_field_carries_a_secret_out",
            f"{T_LOGS}::test_no_traceback_carries_a_secret_out",
        ),
        fault(
            "uvicorn logs what it likes",
            Edit(LOGS, "        _through_root(logging.getLogger(name))\n", "        pass\n"),
            f"{T_LOGS}::test_uvicorn_prints_nothing_past_us",
        ),
        fault(
            "errors of the database tell its values",
            Edit(SQLITE, "hide_parameters=True,", "hide_parameters=False,"),
            "tests/unit/storage/test_engine.py::test_values_stay_out_of_errors",
        ),
        fault(
            "others on the machine may read the database",
            Edit(SQLITE, "file.touch(mode=0o600, exist_ok=False)", "file.touch(mode=0o644, exist_ok=False)"),
            "tests/unit/storage/test_engine.py::test_the_file_is_for_its_owner_only",
        ),
        fault(
            "others on the machine may read the keys",
            Edit(
                f"{IDENTITY}/keys.py",
                "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)",
                "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)",
            ),
            "tests/unit/identity/test_keys.py::test_the_first_start_makes_one_private_key",
            "tests/unit/identity/test_keys.py::test_a_secret_is_made_once_and_kept_private",
        ),
        fault(
            "tokens are stored as they are",
            Edit(
                f"{IDENTITY}/fingerprints.py",
                "return hashlib.sha256(secret.encode()).digest()",
                "return secret.encode()",
            ),
            "tests/integration/test_sign_in_api.py::test_nothing_secret_is_stored_as_it_is",
        ),
        fault(
            "production runs on the sample secret",
            Edit(
                "backend/gameroom/settings.py",
                'if self.environment == "production" and samples:',
                "if False:",
            ),
            "tests/unit/test_settings.py::test_production_refuses_the_sample_secret",
        ),
    ),
    "Records know people by their ids only": (
        fault(
            "names are journaled",
            Edit(
                "backend/gameroom/rooms/framing.py",
                '        event = _with_card(event, Card("", None))\n',
                "        pass\n",
            ),
            f"{T_PUBLISHING}::test_records_know_people_by_their_ids_only",
        ),
    ),
}
