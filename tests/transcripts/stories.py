"""The stories of the page: who speaks when. What they say and hear stands in the page, under the flows' headings."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.kit.aged import aged
from tests.kit.encoding import Encoding
from tests.kit.people import room_path
from tests.kit.server import Server
from tests.papers import Line
from tests.transcripts.stage import Stage, Wrong, stage_at

Act = Callable[[Stage], Awaitable[None]]
Story = dict[str, Act]
"""What is done in each flow, one after the other."""


# --- one socket alone -----------------------------------------------------------------------------------------


async def open_sockets(stage: Stage) -> None:
    """Dee's token is as it will be a minute before its end."""
    dee = await stage.account("Dee")
    dee.tokens["access_token"] = aged(stage.server, dee, 840)
    await stage.come("Dee")
    await stage.knock("Ada", "/ws")
    await stage.say("a0", "ping", "a1")


async def watch_the_lobby(stage: Stage) -> None:
    await stage.come("Ada", "Ben")
    await stage.say("b7")
    await stage.aside("Ada", "CREATE_GAME_ROOM_GROUP", game="tic-tac-toe", name="Friday night")
    await stage.hear_one("Ben", "LOBBY_CHANGED")
    await stage.aside("Ada", "CLOSE_GAME_ROOM_GROUP")
    await stage.say("b8")


async def speak_msgpack(stage: Stage) -> None:
    await stage.come("Eve", encoding=Encoding.MSGPACK)
    await stage.say("e1")


# --- the round in r-1 -----------------------------------------------------------------------------------------


async def meet_and_start(stage: Stage) -> None:
    await stage.come("Ada", "Ben")
    await stage.say("a2", "b1", "b2", "a3", "a4", "a5", "b3")


async def be_refused(stage: Stage) -> None:
    await stage.say("b4", "a6", "a7", "a8", "a9")


async def say_it_twice(stage: Stage) -> None:
    await stage.say("a5", "a5")


async def whisper(stage: Stage) -> None:
    await stage.come("Cyd")
    await stage.say("c1", "b5")


async def lose_the_network(stage: Stage) -> None:
    stage.vanish("Ben")
    await stage.say("a10", "a11")
    await stage.come("Ben")
    await stage.say("b6")


async def play_to_the_end(stage: Stage) -> None:
    await stage.say("b9", "a12", "a20")


async def play_again(stage: Stage) -> None:
    await stage.say("b10", "a21", "a22", "a23", "b11")


async def die(stage: Stage) -> None:
    await stage.kill_and_restart()
    await stage.come("Ada")
    await stage.say("a13", "a12")
    await stage.come("Ben", target=f"{room_path(stage.names['r-1'])}?epoch=1&seq=20")


async def leave_and_close(stage: Stage) -> None:
    await stage.come("Cyd")
    await stage.aside("Cyd", "JOIN_GAME_ROOM_GROUP", room_id="r-1")
    await stage.say("c3", "a14")


# --- other rooms ----------------------------------------------------------------------------------------------


async def host(stage: Stage) -> None:
    await stage.come("Ada", "Ben", "Cyd")
    await stage.create("Ada", "r-3", game="tic-tac-toe")
    await stage.aside("Ben", "JOIN_GAME_ROOM_GROUP", room_id="r-3")
    await stage.aside("Cyd", "JOIN_GAME_ROOM_GROUP", room_id="r-3", role="spectator")
    await stage.say("a30", "b30", "c30", "a31", "b31", "a32")
    await stage.come("Ben", target=f"{room_path(stage.names['r-3'])}?errors=frame")


async def invite(stage: Stage) -> None:
    await stage.come("Ada", "Ben", "Cyd")
    await stage.say("a40", "c40", "b40", "a41", "c41", "c42")


async def relay(stage: Stage) -> None:
    await stage.come("Ada", "Ben")
    await stage.create("Ada", "r-2", game="relay", name="Relay")
    await stage.aside("Ben", "JOIN_GAME_ROOM_GROUP", room_id="r-2")
    await stage.say("a16")
    await stage.aside("Ben", "GAME_ACTION", action={"type": "send", "data": "lost"})
    await stage.hear("Ben")
    await stage.kill_and_restart()
    await stage.come("Ada")
    await stage.say("a19")


async def stop(stage: Stage) -> None:
    await asyncio.to_thread(stage.server.terminate)


STORIES: list[Story] = [
    {"The lobby": watch_the_lobby},
    {"Opening a socket": open_sockets},
    {
        "Create, join, get ready, start": meet_and_start,
        "Refused": be_refused,
        "Sent twice": say_it_twice,
        "A whisper": whisper,
        "The network goes, and comes back": lose_the_network,
        "Played to the end": play_to_the_end,
        "Another round": play_again,
        "The server dies": die,
        "Leaving and closing": leave_and_close,
    },
    {"Hosting": host},
    {"By invitation": invite},
    {"In MessagePack": speak_msgpack},
    {"Relay": relay, "The server is stopped, for a new version perhaps": stop},
]
"""In the order in which one server can play them: the lobby is empty at its beginning, and it is stopped at the end."""


async def play(story: Story, server: Server, transcripts: dict[str, list[Line]]) -> list[Wrong]:
    """All of a story; where the page is wrong. Fails where it cannot go on."""
    async with stage_at(server) as stage:
        for heading, act in story.items():
            async with stage.flow(transcripts[heading]):
                await act(stage)
    return stage.wrong
