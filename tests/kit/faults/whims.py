"""What clients do: what brings a room forward, what people say beside it, and what no client should do."""

from tests.kit.faults.client import Client, Whims
from tests.kit.faults.history import Command

POISON = "poison"
"""What the database may be made to refuse: some chat lines have it in them."""


async def chat(client: Client) -> None:
    await client.out.do("SEND_CHAT", text=next(client.marks))


async def whisper(client: Client) -> None:
    to = client.dice.choice(sorted(client.room.members))
    await client.out.do("SEND_CHAT", text=next(client.marks), to=to)


async def poison(client: Client) -> None:
    await client.out.do("SEND_CHAT", text=f"{POISON} {next(client.marks)}")


async def play_on(client: Client) -> None:
    """A move in turn, or what is missing for the next round."""
    view = client.room.view
    me = view["members"].get(client.user_id)
    if me is None:
        return
    if view["status"] == "playing":
        if me["seat"] == view["state"]["turn"]:
            await move(client)
    elif me["role"] == "spectator":
        await client.out.do("SET_ROLE", role="player")
    elif not me["ready"]:
        await client.out.do("SET_READY", ready=True)
    elif view["host_id"] == client.user_id:
        await client.out.do("START_GAME")


async def move(client: Client) -> None:
    """In turn or not."""
    await client.out.do("GAME_ACTION", action={"type": "move", "mark": next(client.marks)})


async def waver(client: Client) -> None:
    await client.out.do("SET_READY", ready=client.dice.random() < 0.5)


async def look(client: Client) -> None:
    await client.look()


async def vanish(client: Client) -> None:
    await client.player.drop()


async def leave(client: Client) -> None:
    """And come in again, by the next whim."""
    await client.out.do("LEAVE_GAME_ROOM_GROUP")
    await client.out.answered()


async def repeat(client: Client) -> None:
    """A command of late that was done, or was refused, once more: a late copy."""
    under_way = client.out.under_way
    known = [c for c in (*client.out.decided[-5:], *client.out.refused[-3:]) if c.id not in under_way]
    if known:
        await client.out.send(client.dice.choice(known))


async def lie(client: Client) -> None:
    """Other content under an id that was used."""
    if client.out.decided:
        await client.out.answered()
        former = client.out.decided[-1]
        content = {"type": "SEND_CHAT", "room_id": client.room_id, "text": next(client.marks)}
        await client.out.send(Command(former.user_id, former.id, content))
        await client.out.answered()


WHIMS: Whims = (
    (4, chat),
    (1, whisper),
    (8, play_on),
    (0.5, move),
    (0.5, waver),
    (1.5, repeat),
    (0.5, lie),
    (0.5, look),
    (0.03, poison),
    (0.2, vanish),
    (0.1, leave),
)

RESTLESS: Whims = ((3, chat), (8, play_on), (2, leave))
"""Of those who come and go: much of what they do makes several events."""

CALM: Whims = ((1, chat), (1, whisper))
"""Of those who only talk."""

VENOMOUS: Whims = ((60, chat), (1, poison), (6, repeat))
"""Of those who talk, and say now and then what the database may be made to refuse, and say it again."""
