"""The fast path: uvicorn's WebSockets by a protocol class of our own, without a task or a queue per connection.

ASGI costs a queue and two task switches for each message, keeps a task for each connection, and knows neither pings
nor oversized frames. So `FastPathProtocol` (for uvicorn's `ws=` setting) serves ASGI, and lets the endpoint take an
accepted connection over (`asgi_socket.TakeOver`): what is left then is a transport and its `FastSocket`.

    upgrade       the opening handshake as bytes          pure
    framing       one frame                               pure, with a compiled twin (`_framing.c`)
    parser        frames into messages, and what is none  pure
    socket        a transport, a parser and a receiver
    asgi_session  a receiver that speaks ASGI
    protocol      what uvicorn sees of a handshake
    front         what it sees of a connection before
"""

from gameroom.gateway.fast_path.front import FrontProtocol
from gameroom.gateway.fast_path.protocol import FastPathProtocol

__all__ = ["FastPathProtocol", "FrontProtocol"]
