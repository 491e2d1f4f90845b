"""The checker of the fault harness finds what it is there for, and nothing where all went well."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.faults import findings
from tests.kit.faults.checker import check
from tests.kit.faults.findings import Finding
from tests.kit.wire import Position
from tests.unit.faults.good_run import ANN, BOB, GoodRun, changed


def kinds(run: GoodRun) -> set[type[Finding]]:
    return {type(finding) for finding in check(run.history, run.journal)}


# --- a run in which all goes well -----------------------------------------------------------------------------


def a_bit_of_everything() -> GoodRun:
    run = GoodRun.begun()
    run.do(ANN, "GAME_ACTION", action={"type": "move", "mark": "a1"})
    run.refuse(ANN, "GAME_ACTION", "not_your_turn", action={"type": "move", "mark": "a2"})
    lost = run.do(BOB, "SEND_CHAT", text="is anybody there", lost=True)
    run.do(BOB, "SEND_CHAT", text="psst", to=ANN)
    run.snap()
    run.look(ANN)
    run.die()
    run.run_out(late_ms=300)
    run.join(ANN)
    run.join(BOB)
    run.repeat(lost)
    run.look(BOB)
    run.hang_up(BOB)
    run.join(BOB)
    run.resend_applied(run.refuse(ANN, "SEND_CHAT", "unavailable", text="at last"))
    run.do(BOB, "LEAVE_GAME_ROOM_GROUP")
    return run


def test_nothing_is_found_where_all_went_well() -> None:
    run = a_bit_of_everything().ended()
    assert check(run.history, run.journal) == []


def chat(run: GoodRun, number: int) -> None:
    run.do(ANN, "SEND_CHAT", text=f"chat {number}")


def whisper(run: GoodRun, number: int) -> None:
    run.do(ANN, "SEND_CHAT", text=f"whisper {number}", to=BOB)


def lose_an_answer(run: GoodRun, number: int) -> None:
    run.repeat(run.do(BOB, "SEND_CHAT", text=f"lost {number}", lost=True))


def move(run: GoodRun, number: int) -> None:
    player = (ANN, BOB)[run.parts["game"]["turn"]]
    run.do(player, "GAME_ACTION", action={"type": "move", "mark": f"mark {number}"})


def refuse(run: GoodRun, number: int) -> None:
    run.refuse_again(run.refuse(BOB, "SEND_CHAT", "not_member", text=f"no {number}"), "not_member")


def apply_later(run: GoodRun, number: int) -> None:
    run.resend_applied(run.refuse(BOB, "SEND_CHAT", "unavailable", text=f"later {number}"))


def run_out(run: GoodRun, number: int) -> None:
    run.run_out(late_ms=number)


def look(run: GoodRun, _: int) -> None:
    run.look(ANN)
    run.look(BOB)


def snap(run: GoodRun, _: int) -> None:
    run.snap()


def lose_a_connection(run: GoodRun, _: int) -> None:
    run.hang_up(BOB)
    run.join(BOB)


def die(run: GoodRun, number: int) -> None:
    run.die(100 * number)
    run.run_out()
    run.join(ANN)
    run.join(BOB)


STEPS = [
    chat,
    whisper,
    lose_an_answer,
    move,
    refuse,
    apply_later,
    run_out,
    look,
    snap,
    lose_a_connection,
    die,
]


@given(steps=st.lists(st.sampled_from(STEPS), max_size=25))
def test_nothing_is_found_in_any_good_run(steps: list[Callable[[GoodRun, int], None]]) -> None:
    run = GoodRun.begun()
    for number, step in enumerate(steps):
        if run.now + 200 > run.parts["play"]["timers"]["run_out"]:
            run.run_out()
        step(run, number)
    run.ended()
    assert check(run.history, run.journal) == []


# --- each fault planted into it -------------------------------------------------------------------------------


def an_acked_command_is_missing(run: GoodRun) -> None:
    run.do(ANN, "SEND_CHAT", text="gone")
    for stay in run.stays.values():
        stay.frames.pop()
    run.records.pop()


def a_newcomer_is_missing(run: GoodRun) -> None:
    """Bob was let in at a position where the room does not know him."""
    run.history.attempts[1].answer = {**(run.history.attempts[1].answer or {}), "seq": 1}


def a_command_is_applied_twice(run: GoodRun) -> None:
    attempt = run.do(ANN, "SEND_CHAT", text="once")
    run.resend_applied(attempt).answer = attempt.answer
    run.records[-1] = changed(
        run.records[-1], lambda body: body.update(answer=run.records[-2].told["answer"])
    )


def a_command_is_applied_under_another_id(run: GoodRun) -> None:
    run.do(ANN, "SEND_CHAT", text="once")
    run.do(ANN, "SEND_CHAT", text="once")


def an_event_was_never_stored(run: GoodRun) -> None:
    run.do(BOB, "SEND_CHAT", text="said", lost=True)
    run.history.attempts.pop()
    run.records.pop()


def an_event_was_stored_otherwise(run: GoodRun) -> None:
    run.do(ANN, "SEND_CHAT", text="said")
    run.stays[BOB].frames[-1]["data"] = {**run.stays[BOB].frames[-1]["data"], "text": "heard"}


def a_whisper_is_heard_by_others(run: GoodRun) -> None:
    run.do(ANN, "SEND_CHAT", text="psst", to=ANN)
    run.stays[BOB].frames[-1] = run.stays[ANN].frames[-1]


def an_announcement_is_heard_by_others(run: GoodRun) -> None:
    run.do(ANN, "GAME_ACTION", action={"type": "move", "mark": "secret"})
    run.stays[BOB].frames[-1] = run.stays[ANN].frames[-1]


def the_journal_has_a_gap(run: GoodRun) -> None:
    run.do(ANN, "SEND_CHAT", text="one", lost=True)
    run.history.attempts.pop()
    for stay in run.stays.values():
        stay.frames.pop()
    run.do(ANN, "SEND_CHAT", text="two")
    del run.records[-2]
    for stay in run.stays.values():
        stay.base = Position(1, stay.base.seq + 1)
        stay.frames = stay.frames[-1:]
        stay.base = Position(1, stay.frames[0]["seq"] - 1)


def a_viewer_misses_an_event(run: GoodRun) -> None:
    run.do(ANN, "SEND_CHAT", text="one")
    del run.stays[BOB].frames[-1]
    run.do(ANN, "SEND_CHAT", text="two")


def a_viewer_hears_an_event_twice(run: GoodRun) -> None:
    run.stays[BOB].frames.append(run.stays[BOB].frames[-1])


def a_seat_is_lost(run: GoodRun) -> None:
    run.do(ANN, "SEND_CHAT", text="who sits there")
    run.records[-1] = changed(run.records[-1], lambda body: body["parts"].update({f"member:{BOB}": None}))


def a_seat_is_moved(run: GoodRun) -> None:
    member = {**run.parts[f"member:{BOB}"], "seat": 3}
    run.do(ANN, "SEND_CHAT", text="who sits there")
    run.records[-1] = changed(run.records[-1], lambda body: body["parts"].update({f"member:{BOB}": member}))


def a_member_is_not_let_in_again(run: GoodRun) -> None:
    run.die()
    run.refuse(BOB, "JOIN_GAME_ROOM_GROUP", "room_full")


def an_id_is_answered_in_two_ways(run: GoodRun) -> None:
    again = run.repeat(run.do(ANN, "SEND_CHAT", text="one"))
    again.answer = {**(again.answer or {}), "data": {"message_id": "0"}}


def an_id_is_answered_as_new_twice(run: GoodRun) -> None:
    del (run.repeat(run.do(ANN, "SEND_CHAT", text="one")).answer or {})["repeated"]


def an_applied_command_is_refused_later(run: GoodRun) -> None:
    run.refuse_again(run.do(ANN, "SEND_CHAT", text="one"), "not_member")


def an_answer_is_not_the_recorded_one(run: GoodRun) -> None:
    run.do(ANN, "SEND_CHAT", text="one")
    run.records[-1] = changed(run.records[-1], lambda body: body["answer"].update(data={"message_id": "0"}))


def an_unavailable_command_was_applied(run: GoodRun) -> None:
    attempt = run.do(ANN, "SEND_CHAT", text="one")
    attempt.answer = {"type": "ERROR", "code": "unavailable"}


def an_unavailable_command_turns_out_to_be_a_repeat(run: GoodRun) -> None:
    attempt = run.do(ANN, "SEND_CHAT", text="one")
    attempt.answer, answer = {"type": "ERROR", "code": "unavailable"}, attempt.answer
    run.repeat(attempt)
    assert answer is not None


def a_refused_command_is_applied_later(run: GoodRun) -> None:
    refused = run.refuse(BOB, "SEND_CHAT", "not_member", text="let me in")
    late = run.resend_applied(refused)
    run.history.attempts.remove(late)


def a_late_copy_of_a_refused_command_is_applied(run: GoodRun) -> None:
    run.resend_applied(run.refuse(BOB, "SEND_CHAT", "internal", text="let me in"))


def nobody_sent_it(run: GoodRun) -> None:
    run.do(ANN, "SEND_CHAT", text="one")
    run.history.attempts.pop()


def other_content_was_applied(run: GoodRun) -> None:
    run.do(ANN, "SEND_CHAT", text="one")
    run.records[-1] = changed(run.records[-1], lambda body: body["input"].update(text="two"))


def a_timer_fires_twice(run: GoodRun) -> None:
    due_at = run.parts["play"]["timers"]["run_out"]
    run.run_out()
    run._fire(due_at)


def a_replaced_timer_fires(run: GoodRun) -> None:
    due_at = run.parts["play"]["timers"]["run_out"]
    run.do(ANN, "GAME_ACTION", action={"type": "move", "mark": "a1"})
    run._fire(due_at)


def a_timer_never_fires(run: GoodRun) -> None:
    run.now += 20_000


def a_timer_fires_late(run: GoodRun) -> None:
    run.run_out(late_ms=20_000)


def a_command_overtakes_a_timer(run: GoodRun) -> None:
    run.now = run.parts["play"]["timers"]["run_out"] + 50
    run.do(ANN, "SEND_CHAT", text="me first")
    run.run_out()


def a_snapshot_differs(run: GoodRun) -> None:
    run.snap()
    assert run.snapshots[0].body is not None
    run.snapshots[0].body["parts"]["game"]["missed"] += 1


def a_view_differs(run: GoodRun) -> None:
    run.look(ANN)
    run.history.sightings[-1].view["state"]["turn"] = 1


def a_view_shows_a_secret(run: GoodRun) -> None:
    run.look(BOB)
    run.history.sightings[-1].view["state"]["seats"]["0"]["mark"] = "a secret"


def a_view_stands_where_no_record_does(run: GoodRun) -> None:
    run.look(ANN)
    run.history.sightings[-1] = replace(run.history.sightings[-1], position=Position(1, 999))


def the_game_differs_from_its_inputs(run: GoodRun) -> None:
    run.do(ANN, "GAME_ACTION", action={"type": "move", "mark": "a1"})
    run.records[-1] = changed(run.records[-1], lambda body: body["parts"]["game"].update(missed=7))


def a_record_is_damaged(run: GoodRun) -> None:
    run.do(ANN, "SEND_CHAT", text="one")
    run.records[-1] = replace(run.records[-1], body=None)


def a_snapshot_is_damaged(run: GoodRun) -> None:
    run.snap()
    run.snapshots[0] = replace(run.snapshots[0], body=None)


def a_rule_of_the_wire_was_broken(run: GoodRun) -> None:
    run.history.broken.append("a frame before WELCOME")


PLANTED: dict[Callable[[GoodRun], None], type[Finding]] = {
    an_acked_command_is_missing: findings.AckedButMissing,
    a_newcomer_is_missing: findings.AckedButMissing,
    a_command_is_applied_twice: findings.AppliedTwice,
    a_command_is_applied_under_another_id: findings.AppliedTwice,
    an_event_was_never_stored: findings.SeenButNotStored,
    an_event_was_stored_otherwise: findings.SeenButNotStored,
    a_whisper_is_heard_by_others: findings.SeenByTheWrongOne,
    an_announcement_is_heard_by_others: findings.SeenByTheWrongOne,
    the_journal_has_a_gap: findings.GapOrRepeat,
    a_viewer_misses_an_event: findings.GapOrRepeat,
    a_viewer_hears_an_event_twice: findings.GapOrRepeat,
    a_seat_is_lost: findings.SeatLost,
    a_seat_is_moved: findings.SeatLost,
    a_member_is_not_let_in_again: findings.SeatLost,
    an_id_is_answered_in_two_ways: findings.AnsweredDifferently,
    an_id_is_answered_as_new_twice: findings.AnsweredDifferently,
    an_applied_command_is_refused_later: findings.AnsweredDifferently,
    an_answer_is_not_the_recorded_one: findings.AnsweredDifferently,
    an_unavailable_command_was_applied: findings.UnavailableButApplied,
    an_unavailable_command_turns_out_to_be_a_repeat: findings.UnavailableButApplied,
    a_refused_command_is_applied_later: findings.RefusedButApplied,
    a_late_copy_of_a_refused_command_is_applied: findings.RefusedButApplied,
    nobody_sent_it: findings.NeverSent,
    other_content_was_applied: findings.NeverSent,
    a_timer_fires_twice: findings.TimerFiredTwice,
    a_replaced_timer_fires: findings.TimerFiredTwice,
    a_timer_never_fires: findings.TimerNeverFired,
    a_timer_fires_late: findings.TimerFiredLate,
    a_command_overtakes_a_timer: findings.TimerOvertaken,
    a_snapshot_differs: findings.StateDiffers,
    a_view_differs: findings.StateDiffers,
    a_view_shows_a_secret: findings.StateDiffers,
    a_view_stands_where_no_record_does: findings.StateDiffers,
    the_game_differs_from_its_inputs: findings.StateDiffers,
    a_record_is_damaged: findings.Damaged,
    a_snapshot_is_damaged: findings.Damaged,
    a_rule_of_the_wire_was_broken: findings.WireBroken,
}


@pytest.mark.parametrize(("plant", "kind"), PLANTED.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_what_is_planted_is_found(plant: Callable[[GoodRun], None], kind: type[Finding]) -> None:
    """One fault may show in several ways; it must show as what it is."""
    run = GoodRun.begun()
    plant(run)
    assert kind in kinds(run.ended())


def test_a_create_that_made_two_rooms_is_found() -> None:
    run = GoodRun.begun().ended()
    journal = run.journal
    journal.rooms.append(replace(journal.rooms[0], room_id="another-room"))
    assert {type(finding) for finding in check(run.history, journal)} == {findings.AppliedTwice}


def test_every_kind_of_finding_is_planted() -> None:
    assert set(PLANTED.values()) == set(Finding.__subclasses__())
    assert len({kind.sentence for kind in Finding.__subclasses__()}) == len(Finding.__subclasses__())


# --- what only looks like a fault -----------------------------------------------------------------------------


def test_a_refusal_that_died_with_its_home_may_be_followed_by_the_deed() -> None:
    run = GoodRun.begun()
    refused = run.refuse(BOB, "SEND_CHAT", "not_member", text="let me in")
    run.die()
    run.join(ANN)
    run.join(BOB)
    run.resend_applied(refused)
    assert kinds(run.ended()) == set()


def test_a_refusal_that_is_a_minute_old_may_be_followed_by_the_deed() -> None:
    run = GoodRun()
    run.create()
    refused = run.refuse(ANN, "SEND_CHAT", "internal", text="once more")
    run.now = refused.sent_at + 60_000
    run.resend_applied(refused)
    assert kinds(run.ended()) == set()


def test_a_timer_that_was_due_while_the_server_was_away_is_not_late() -> None:
    run = GoodRun.begun()
    run.die(away_ms=60_000)
    run.run_out(late_ms=900)
    assert kinds(run.ended()) == set()


def test_the_time_of_an_outage_excuses_no_more_than_itself() -> None:
    run = GoodRun.begun()
    run.die(away_ms=60_000)
    run.run_out(late_ms=9_000)
    assert kinds(run.ended()) == {findings.TimerFiredLate}
