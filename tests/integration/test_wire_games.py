"""`GET /games`: what can be played, told to anybody who asks."""

from jsonschema import Draft202012Validator

from tests.kit.people import People
from tests.kit.wire import Json, anything, count, fields, map_of, text

game = fields(
    {
        "name": text,
        "version": text,
        "title": text,
        "min_players": count,
        "max_players": count,
        "settings_schema": map_of(anything),
        "action_schema": map_of(anything),
        "view_schema": map_of(anything),
    }
)


async def games(people: People) -> dict[str, Json]:
    body = await people.api.call("GET", "/games", 200)
    assert body.keys() == {"items"}
    return {item["name"]: item for item in body["items"]}


async def test_every_game_is_told_without_a_bearer(people: People) -> None:
    listed = await games(people)
    assert list(listed) == ["relay", "tic-tac-toe"]
    for name, item in listed.items():
        game(name, item)
    shown = {key: listed["tic-tac-toe"][key] for key in ("version", "title", "min_players", "max_players")}
    assert shown == {"version": "1", "title": "Tic-tac-toe", "min_players": 2, "max_players": 2}


async def test_the_list_may_be_kept_for_a_minute(people: People) -> None:
    answer = await people.api.request("GET", "/api/v1/games")
    assert answer.headers["cache-control"] == "public, max-age=60"


async def test_a_client_can_go_by_the_schemas(people: People) -> None:
    tic_tac_toe = (await games(people))["tic-tac-toe"]
    alice, bob = await people.newcomers("Alice", "Bob")
    await bob.join(await alice.create("tic-tac-toe"))
    for player in (alice, bob):
        await player.ask("SET_READY", ready=True)
    await alice.ask("START_GAME")
    move = {"type": "place", "cell": 8}
    Draft202012Validator(tic_tac_toe["action_schema"]).validate(move)
    await alice.ask("GAME_ACTION", action=move)
    await bob.until("GAME_UPDATED")
    Draft202012Validator(tic_tac_toe["settings_schema"]).validate(bob.room.view["settings"])
    Draft202012Validator(tic_tac_toe["view_schema"]).validate(bob.room.state)
