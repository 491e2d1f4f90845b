"""How messages stand in the page: JSON as it is, the bare words as they are, MessagePack in hexadecimal."""

import json
import re

import msgpack

from tests.kit.encoding import Message

HEX = re.compile(r"[0-9a-f]{2}(\s+[0-9a-f]{2})+")
ID = re.compile(r'"id": "([^"]+)"')
ITEM = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^",])+,?)(?: |$)')
"""What a long line may be broken behind: the commas of JSON that stand in no string."""

WIDTH = 119


def message_of(text: str) -> Message:
    """The message that stands there."""
    return bytes.fromhex(text) if HEX.fullmatch(text) else text


def value_of(message: Message) -> object:
    """What a message says; a text that is no JSON says itself."""
    if isinstance(message, bytes):
        return msgpack.unpackb(message)
    try:
        return json.loads(message)
    except ValueError:
        return message


def cue_of(text: str) -> str:
    """The `id` by which a line is called; of a line without one all of it."""
    value = value_of(message_of(text))
    found = ID.search(text if isinstance(value, str) else json.dumps(value))
    return found[1] if found else text


def written(message: Message, value: object, indent: int) -> str:
    """The message as it shall stand in the page, from this column on; `value` is what it says."""
    if isinstance(message, bytes):
        return _wrapped(message.hex(" ").split(" "), indent)
    return (
        message
        if isinstance(value, str)
        else _wrapped(ITEM.findall(json.dumps(value, ensure_ascii=False)), indent)
    )


def _wrapped(items: list[str], indent: int) -> str:
    """Lines that are full, all but the first below the text of the first."""
    lines = [items[0]]
    for item in items[1:]:
        if indent + len(lines[-1]) + 1 + len(item) > WIDTH:
            lines.append(item)
        else:
            lines[-1] += f" {item}"
    return ("\n" + " " * indent).join(lines)
