"""Talking."""

from msgspec import UNSET

from gameroom.errors import MemberNotFound
from gameroom.protocol.answers import ChatSent
from gameroom.protocol.commands import SendChat
from gameroom.protocol.events import ChatMessage
from gameroom.rooms.rooms import Sender
from gameroom.rooms.turn import Turn


def send_chat(turn: Turn, sender: Sender, command: SendChat) -> ChatSent:
    """Say something to all, or whisper it to one member. Changes no part of the state."""
    message_id = str(turn.next_seq)
    message = ChatMessage(
        message_id=message_id,
        user_id=sender.user_id,
        text=command.text,
        to=UNSET if command.to is None else command.to,
    )
    if command.to is None:
        turn.emit(message)
    elif command.to not in turn.state.members:
        raise MemberNotFound(f"No member {command.to!r} in this room")
    else:
        turn.whisper(message, frozenset((sender.user_id, command.to)))
    return ChatSent(message_id)
