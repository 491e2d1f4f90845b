"""What goes over the sockets of a gateway, counted."""

from collections import Counter

from gameroom.telemetry.metrics import Count, CountBy


class Traffic:
    """Plain integers, since they are raised for every message."""

    def __init__(self) -> None:
        self.received = 0
        """Messages of clients, whatever they say; pongs are among them."""
        self.delivered = 0
        """Events handed to listeners."""
        self.ended: Counter[int] = Counter()
        """Connections that the server ended, by close code."""
        self.collectors = (
            Count("gameroom_messages_received", "Messages from clients.", lambda: self.received),
            Count("gameroom_events_delivered", "Events handed to connections.", lambda: self.delivered),
            CountBy(
                "gameroom_connections_ended",
                "Connections that the server ended.",
                "close_code",
                self.ended,
            ),
        )
