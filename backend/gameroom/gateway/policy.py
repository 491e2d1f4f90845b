"""How the gateway is configured: one frozen value, made by the composition root from the settings."""

from dataclasses import dataclass

from gameroom.clock import Millis


@dataclass(frozen=True, kw_only=True)
class GatewayPolicy:
    """Limits and deadlines. The first four are told to clients in WELCOME."""

    server_version: str
    ping_interval_ms: Millis = 20_000
    max_message_bytes: int = 64 * 1024
    max_server_message_bytes: int = 1024 * 1024

    max_outgoing_bytes: int = 2 * 1024 * 1024
    """How much may wait for a peer that does not read, before its socket is closed 4002."""

    connections_per_user: int = 5
    frames_per_second: int = 50
    frame_burst: int = 200

    allowed_origins: frozenset[str] = frozenset()
    """Origins besides the server's own from which a browser may open sockets, such as `https://play.example.org`;
    `*` allows all."""

    first_frame_timeout_s: float = 15.0
    """How long an accepted socket may stay anonymous."""

    step_timeout_s: float = 10.0
    """How long anything that a connection awaits may take: a sign-in, an invite code, a subscription."""

    command_deadline_s: float = 10.0
    """How long a room may leave a command undecided, as the rooms are configured."""

    @property
    def join_timeout_s(self) -> float:
        """How long a handshake waits for its JOIN: to subscribe, to be decided, and as long again to be stored.

        What takes even longer is in doubt.
        """
        return self.step_timeout_s + 2 * self.command_deadline_s
