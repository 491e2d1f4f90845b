"""The AsyncAPI document has all that is declared, and its examples are what the types take and make."""

import json
from types import ModuleType
from typing import get_type_hints

import pytest
from jsonschema_rs import validator_for
from msgspec import Struct

from gameroom.errors import ERRORS
from gameroom.protocol import answers, commands, events
from gameroom.protocol.answers import Joined, RoomData, reply_data_of
from gameroom.protocol.asyncapi import asyncapi_document, tag_of
from gameroom.protocol.codec import decode_command
from gameroom.protocol.codes import CLOSE_WORDS, CloseCode
from gameroom.protocol.commands import COMMANDS, Command
from gameroom.protocol.events import EVENTS, Event
from gameroom.protocol.schemas import Schema
from gameroom.rooms.routes import ROUTES

DOCUMENT = asyncapi_document("1.2.3")
MESSAGES: dict[str, Schema] = DOCUMENT["components"]["messages"]
SCHEMAS: dict[str, Schema] = DOCUMENT["components"]["schemas"]


def tagged_in(module: ModuleType) -> set[str]:
    """The `type` of every Struct of a module that has one."""
    shapes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Struct)]
    return {tag_of(shape) for shape in shapes if shape.__struct_config__.tag is not None}


def subclasses_of(root: type[Struct]) -> set[type[Struct]]:
    below = set(root.__subclasses__())
    return below.union(*map(subclasses_of, below))


def message_of(operation: str) -> list[str]:
    return [each["$ref"].rpartition("/")[2] for each in DOCUMENT["operations"][operation]["messages"]]


# --- nothing is missing ---------------------------------------------------------------------------------------


def test_every_command_that_is_declared_is_there_with_its_reply() -> None:
    declared = tagged_in(commands) - {"Command", "RoomCommand"}
    assert declared <= COMMANDS.keys() <= MESSAGES.keys()
    assert {f"REPLY.{name}" for name in COMMANDS} <= MESSAGES.keys()
    assert {f"ws.{name}" for name in COMMANDS} <= DOCUMENT["operations"].keys()


def test_every_event_that_is_declared_is_there() -> None:
    assert subclasses_of(Event) == set(EVENTS.values())
    assert EVENTS.keys() <= set(message_of("ws.events")) <= MESSAGES.keys()


def test_every_frame_that_is_declared_is_there() -> None:
    frames = tagged_in(answers) | tagged_in(events)
    sent = {*message_of("ws.frames"), *message_of("ws.events"), "REPLY"}
    assert frames - tagged_in(commands) <= sent


def test_every_error_and_close_code_is_there() -> None:
    assert set(SCHEMAS["ErrorCode"]["enum"]) == ERRORS.keys() | set(CLOSE_WORDS)
    assert SCHEMAS["ErrorCode"]["x-codes"]["unavailable"] == {"status": 503, "retryable": True}
    assert MESSAGES["ERROR"]["payload"]["properties"]["code"] == {"$ref": "#/components/schemas/ErrorCode"}
    assert set(map(int, DOCUMENT["x-close-codes"])) == {int(code) for code in CloseCode}
    assert DOCUMENT["x-close-codes"]["4501"] == {"name": "signed_out", "reconnect": False}


def test_a_room_is_not_created_on_a_socket_that_is_for_one_room() -> None:
    asked = {name.partition(".")[2] for name in DOCUMENT["operations"] if name.startswith("room.")}
    assert COMMANDS.keys() - asked == {"CREATE_GAME_ROOM_GROUP"}


# --- what is there is true ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [each for each in ROUTES if each in COMMANDS.values()], ids=lambda each: each.__name__
)
def test_the_data_of_a_reply_is_what_the_handler_returns(command: type[Command]) -> None:
    """A handler that returns nothing leaves the answer to the room, whose view it is."""
    returned = get_type_hints(ROUTES[command].handler)["return"]
    expected = reply_data_of(command)
    assert expected in (Joined, RoomData) if returned is type(None) else expected is returned


@pytest.mark.parametrize("key", MESSAGES)
def test_every_message_has_an_example_that_is_valid(key: str) -> None:
    [example] = MESSAGES[key]["examples"]
    schema = {**MESSAGES[key]["payload"], "components": {"schemas": SCHEMAS}}
    validator_for(schema).validate(example["payload"])


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_a_command_can_be_sent(name: str) -> None:
    [example] = MESSAGES[name]["examples"]
    assert type(decode_command(json.dumps(example["payload"]))) is COMMANDS[name]


def test_a_reply_of_a_room_has_its_position_and_one_of_the_connection_has_none_to_have() -> None:
    assert {"epoch", "seq"} <= set(MESSAGES["REPLY.SEND_CHAT"]["payload"]["required"])
    assert not {"epoch", "seq"} & set(MESSAGES["REPLY.PING"]["payload"]["required"])


def test_patterns_are_those_of_json_schema_which_knows_no_line_feed_before_the_end() -> None:
    assert "(?!" not in json.dumps(DOCUMENT)


def test_what_the_server_fills_in_by_itself_is_always_there() -> None:
    assert "protocol" in SCHEMAS["Welcome"]["required"]
    assert "ack" not in SCHEMAS["Ping"]["required"]


def test_the_document_is_the_same_each_time() -> None:
    assert json.dumps(asyncapi_document("1.2.3")) == json.dumps(DOCUMENT)
