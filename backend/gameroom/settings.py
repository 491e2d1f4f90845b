"""Every setting of the server, in one class; nothing else reads the environment.

A setting comes from the command line, else from `GAMEROOM_…` in the environment, else from the file `.env`, else
from the default here. Parts never see this class: the composition root hands each the few values that it needs.
`.env.example` is written from here (`make env-example`).
"""

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "GAMEROOM_"

CONSEQUENCES = frozenset({"default_factory_not_called"})
"""Errors that another setting's error brings along."""

ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9_.:\[\]-]+")
DEFAULT_PORTS = {"http://": ":80", "https://": ":443"}

LAST_PORT = 65_535

FOREVER = "forever"

SAMPLE_SECRET = "change-me-to-32-or-more-random-characters"  # noqa: S105  (a sample, refused in production)
"""What `.env.example` shows in the place of a secret."""


LEAST_SERVER_MESSAGE_BYTES = 16_384
"""A room with all the metadata that it may have, and some members, fits with all that may become of them."""


class BadSettings(Exception):
    """The settings cannot be used; the message has one line per problem and never a value."""


def _split(value: object) -> object:
    """`a, b` → `("a", "b")`: how lists are written in the environment."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _as_browsers_say(origin: str) -> str:
    """An origin as the header `Origin` has it: in small letters, with neither a slash nor a default port behind."""
    plain = origin.lower().removesuffix("/")
    for scheme, port in DEFAULT_PORTS.items():
        if plain.startswith(scheme):
            plain = plain.removesuffix(port)
    if plain not in ("*", "null") and not ORIGIN.fullmatch(plain):
        raise ValueError("an origin is a scheme and a host, such as https://play.example.org, or * for all")
    return plain


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 32:
        raise ValueError("a secret needs 32 or more characters, such as those of `openssl rand -hex 32`")
    return secret


def _room_for_rooms(size: int) -> int:
    if size < LEAST_SERVER_MESSAGE_BYTES:
        raise ValueError(
            f"{LEAST_SERVER_MESSAGE_BYTES} or more: else there are rooms that fit into no message"
        )
    return size


def _days_or_none(value: object) -> object:
    """`forever` → None: how a bound that is none is written in the environment."""
    return None if value == FOREVER else value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Origin = Annotated[str, AfterValidator(_as_browsers_say)]
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)]
Secret = Annotated[SecretStr, AfterValidator(_long_enough)]
Positive = Annotated[int, Field(gt=0)]
MessageBytes = Annotated[int, AfterValidator(_room_for_rooms)]
Days = Annotated[Annotated[int, Field(gt=0, le=36_500)] | None, BeforeValidator(_days_or_none)]


# The defaults below depend on settings declared before them, which are absent where they were refused.


def _database_in(settings: Mapping[str, Any]) -> str:
    return f"sqlite:///{settings.get('data_dir', Path()) / 'gameroom.db'}"


def _log_format_for(settings: Mapping[str, Any]) -> Literal["text", "json"]:
    return "json" if settings.get("environment") == "production" else "text"


class Settings(BaseSettings):
    """What an operator may change. Units stand in the names: `_s` seconds, `_ms` milliseconds."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        dotenv_filtering="match_prefix",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    # --- where things are -------------------------------------------------------------------------------------

    data_dir: Path = Field(
        default=Path(".gameroom"),
        description="Folder of the keys and of the embedded database; made at the first start.",
    )
    database_url: str = Field(
        default_factory=_database_in,
        repr=False,
        description="The database of accounts and journals, by default a SQLite file in the data folder; "
        "or postgresql+psycopg://user:password@host/database.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 for every interface.")
    port: int = Field(default=8000, ge=0, le=LAST_PORT, description="Port to listen on; 0 takes a free one.")
    games: Words = Field(
        default=(),
        description="Game files to load beside the built-in games: my_game.py, other.py:ClassName.",
    )

    # --- how it runs ------------------------------------------------------------------------------------------

    environment: Literal["development", "production"] = Field(
        default="development",
        description="development, or production, which refuses sample secrets and seeds chosen by clients.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe messages that are logged."
    )
    log_format: Literal["text", "json"] = Field(
        default_factory=_log_format_for,
        description="text is key=value, json is one object a line; json is the default in production.",
    )
    metrics_token: Secret | None = Field(
        default=None,
        description="Bearer token that /metrics asks for; without one it is open in development, closed in production.",
    )
    drain_timeout_s: Positive = Field(
        default=30, description="Seconds to hand rooms over and to warn clients before sockets are closed."
    )
    trusted_proxies: Words = Field(
        default=("127.0.0.1", "::1"),
        description="Addresses or networks of proxies whose X-Forwarded-For is believed.",
    )
    allowed_origins: Origins = Field(
        default=(),
        description="Origins whose web pages may open sockets and call REST beside the server's own; * for all.",
    )

    # --- sign-in ----------------------------------------------------------------------------------------------

    token_issuer: str = Field(default="gameroom", min_length=1, description="`iss` of access tokens.")
    token_audience: str = Field(default="gameroom", min_length=1, description="`aud` of access tokens.")
    access_token_ttl_s: Positive = Field(default=900, description="Life of an access token.")
    refresh_token_ttl_s: Positive = Field(default=30 * 86_400, description="Life of an unused refresh token.")
    ws_ticket_ttl_s: Positive = Field(default=30, description="Life of an unused WebSocket ticket.")
    sign_ins_per_account: Positive = Field(
        default=10, description="Attempts to sign in to one account, a minute."
    )
    sign_ins_per_address: Positive = Field(
        default=300, description="Attempts to sign in from one address, a minute; mobile carriers share one."
    )
    room_password_key: Secret | None = Field(
        default=None,
        description="Key of the marks of room passwords and of cards; by default made at the first start and kept.",
    )

    # --- connections ------------------------------------------------------------------------------------------

    ping_interval_ms: Positive = Field(
        default=20_000, description="How often the server pings; two pings unanswered end a connection."
    )
    max_message_bytes: Positive = Field(default=65_536, description="Largest message from a client.")
    max_server_message_bytes: MessageBytes = Field(
        default=1_048_576,
        description="Largest message to a client, 16384 or more: a room must fit whole, with all its members.",
    )
    connections_per_user: Positive = Field(default=5, description="Beyond these the oldest is closed.")
    frames_per_second: Positive = Field(
        default=50, description="Messages a second that a connection may send for long."
    )
    frame_burst: Positive = Field(default=200, description="Messages that a connection may send at once.")

    # --- rooms ------------------------------------------------------------------------------------------------

    grace_ms: Positive = Field(
        default=60_000, description="How long the seat of a disconnected member is kept."
    )
    empty_room_ttl_s: Positive = Field(
        default=600, description="A room that nobody is connected to closes after this."
    )
    closed_room_retention_days: Days = Field(
        default=30,
        description="Days after which closed rooms are removed with all that was played in them, or forever.",
    )
    room_mailbox: Positive = Field(
        default=1_000, description="Commands that may wait for a room; beyond these they are `unavailable`."
    )
    rooms_per_user: Positive = Field(
        default=20,
        description="Open rooms that a user may be a member of; into more it neither comes nor creates them.",
    )
    command_deadline_ms: Positive = Field(
        default=10_000, description="A command undecided after this is `unavailable`, certainly not applied."
    )

    @model_validator(mode="after")
    def _no_sample_in_production(self) -> Self:
        samples = [name for name, value in self if _is_sample(value)]
        if self.environment == "production" and samples:
            raise ValueError(
                f"{_variable(samples[0])} is the sample of .env.example; production needs its own"
            )
        return self


def _is_sample(value: object) -> bool:
    return isinstance(value, SecretStr) and value.get_secret_value() == SAMPLE_SECRET


def load_settings(**given: Any) -> Settings:
    """The settings, those `given` (by the command line) before all others. Raises `BadSettings`."""
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = (found for found in error.errors() if found["type"] not in CONSEQUENCES)
        problems = (_problem(found["type"], found["loc"], found["msg"]) for found in faults)
        raise BadSettings("; ".join(problems)) from None


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _problem(kind: str, location: tuple[int | str, ...], message: str) -> str:
    """One problem in the operator's words: the variable, never its value."""
    sentence = message.removeprefix("Value error, ")
    if not location:
        return sentence
    name = str(location[0])
    if kind == "extra_forbidden":
        return _no_setting(name)
    return f"{_variable(name)}: {sentence}"


def unknown_variables() -> list[str]:
    """A sentence for each variable of the environment that begins as ours do, and is none.

    Unlike a line of `.env` it may be meant for somebody else, so it is no reason not to start.
    """
    names = (name[len(PREFIX) :].lower() for name in os.environ if name.upper().startswith(PREFIX))
    return [_no_setting(name) for name in sorted(names) if name not in Settings.model_fields]


def _no_setting(name: str) -> str:
    nearest = get_close_matches(name, Settings.model_fields, n=1)
    hint = f"; did you mean {_variable(nearest[0])}?" if nearest else ""
    return f"{_variable(name)} is no setting{hint}"


# --- .env.example ---------------------------------------------------------------------------------------------

_HEAD = """\
# Every setting, with its default. Copy this file to .env and uncomment what you change.
# Units stand in the names: _S seconds, _MS milliseconds. Lists are written with commas.
# Written from backend/gameroom/settings.py by `make env-example`.
"""


def env_example() -> str:
    """The text of `.env.example`."""
    defaults = Settings.model_construct()
    entries = (
        f"# {field.description}\n# {_variable(name)}={_as_text(getattr(defaults, name))}\n"
        for name, field in Settings.model_fields.items()
    )
    return "\n".join((_HEAD, *entries))


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return SAMPLE_SECRET if value is None else str(value)
