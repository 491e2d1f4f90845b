"""A game room on FastAPI as tutorials write it: a `ConnectionManager`, pydantic models, JSON text.

It checks the token at the handshake, keeps rooms and their members, validates every message and answers commands.
It does not number events, remember command ids, store anything, limit anything, or notice slow readers; one who hangs
holds up the room.
"""

from typing import Annotated, Literal

from fastapi import FastAPI, Query, WebSocket, WebSocketDisconnect, WebSocketException, status
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from bench.peers.python.tokens import user_of

app = FastAPI()


class Say(BaseModel):
    type: Literal["say"]
    text: str = Field(max_length=1000)


class Place(BaseModel):
    type: Literal["place"]
    id: str = Field(min_length=1, max_length=64)
    cell: int = Field(ge=0, le=8)


class Leave(BaseModel):
    type: Literal["leave"]


class Said(BaseModel):
    type: Literal["said"] = "said"
    room: str
    user: str
    text: str


class Placed(BaseModel):
    type: Literal["placed"] = "placed"
    id: str
    cell: int
    turn: int


Command = TypeAdapter[Say | Place | Leave](Annotated[Say | Place | Leave, Field(discriminator="type")])


class Board:
    def __init__(self) -> None:
        self.cells = [0] * 9
        self.turn = 0

    def place(self, command: Place) -> Placed:
        self.cells[command.cell] += 1
        self.turn += 1
        return Placed(id=command.id, cell=command.cell, turn=self.turn)


class ConnectionManager:
    def __init__(self) -> None:
        self.rooms: dict[str, list[WebSocket]] = {}
        self.boards: dict[str, Board] = {}

    async def connect(self, room: str, websocket: WebSocket) -> None:
        await websocket.accept()
        self.rooms.setdefault(room, []).append(websocket)
        self.boards.setdefault(room, Board())

    def disconnect(self, room: str, websocket: WebSocket) -> None:
        self.rooms[room].remove(websocket)

    async def broadcast(self, room: str, message: BaseModel) -> None:
        for connection in self.rooms[room]:
            await connection.send_json(message.model_dump())


manager = ConnectionManager()


@app.websocket("/ws/{room}")
async def room_socket(websocket: WebSocket, room: str, token: Annotated[str, Query()]) -> None:
    user = user_of(token)
    if user is None:
        raise WebSocketException(code=status.WS_1008_POLICY_VIOLATION)
    await manager.connect(room, websocket)
    try:
        while True:
            try:
                command = Command.validate_python(await websocket.receive_json())
            except ValidationError as error:
                await websocket.send_json({"type": "error", "detail": str(error)})
                continue
            match command:
                case Say():
                    await manager.broadcast(room, Said(room=room, user=user, text=command.text))
                case Place():
                    await websocket.send_json(manager.boards[room].place(command).model_dump())
                case Leave():
                    await websocket.close()
                    break
    except WebSocketDisconnect:
        pass
    finally:
        manager.disconnect(room, websocket)
