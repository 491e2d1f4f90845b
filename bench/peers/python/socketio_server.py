"""A game room on python-socketio, as ASGI under uvicorn.

It checks the token at the handshake, keeps rooms and their members, and acknowledges commands. It does not validate
beyond what it reads, number events, remember command ids, store or limit anything.
"""

from typing import Any

import socketio

from bench.peers.python.tokens import user_of

server = socketio.AsyncServer(async_mode="asgi")
app = socketio.ASGIApp(server)
boards: dict[str, list[int]] = {}


@server.event
async def connect(sid: str, environ: dict[str, Any], auth: dict[str, str]) -> None:
    user = user_of(auth["token"])
    if user is None:
        raise ConnectionRefusedError("bad token")
    room = auth["room"]
    boards.setdefault(room, [0] * 9)
    await server.save_session(sid, {"user": user, "room": room})
    await server.enter_room(sid, room)


@server.event
async def say(sid: str, message: dict[str, str]) -> None:
    session = await server.get_session(sid)
    said = {"room": session["room"], "user": session["user"], "text": message["text"]}
    await server.emit("said", said, room=session["room"])


@server.event
async def place(sid: str, command: dict[str, Any]) -> dict[str, Any]:
    session = await server.get_session(sid)
    cells = boards[session["room"]]
    cells[command["cell"]] += 1
    return {"id": command["id"], "cell": command["cell"], "turn": sum(cells)}
