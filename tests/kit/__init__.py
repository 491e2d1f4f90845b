"""An outside client of a game-room server, written from the wire contract alone.

It imports nothing of the server. `server` starts the real process, `api` signs people in over REST, `player` talks
over a real WebSocket, keeps its own copy of every room by applying patches and checks on each frame what the
contract promises (`conversation`, `room_copy`, `wire`); `raw_socket` misbehaves on purpose; `people` gathers the
guests of a test, verifies their copies at its end and closes what they opened. They come in either `encoding`, and
join their rooms through either door: `ways` says which tests are run by which. `postgres` and `proxy` are a database
server that can be broken, and what stands before it.
"""
