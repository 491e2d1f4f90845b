"""Settings: where they come from, what is refused and in which words, and that `.env.example` tells the truth."""

from pathlib import Path

import pytest

from gameroom.settings import (
    PREFIX,
    SAMPLE_SECRET,
    BadSettings,
    Settings,
    env_example,
    load_settings,
    unknown_variables,
)

ROOT = Path(__file__).parents[2]
GOOD_SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of ours is set, and the working directory has no `.env`."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)


def test_the_command_line_comes_before_the_environment_before_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("GAMEROOM_PORT=1\nGAMEROOM_HOST=file\nGAMEROOM_GRACE_MS=3\nOTHER_PROGRAM=1\n")
    monkeypatch.setenv("GAMEROOM_PORT", "2")
    monkeypatch.setenv("GAMEROOM_HOST", "environment")
    settings = load_settings(port=4)
    assert (settings.port, settings.host, settings.grace_ms) == (4, "environment", 3)


def test_the_database_stands_in_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(data_dir="here").database_url == "sqlite:///here/gameroom.db"
    monkeypatch.setenv("GAMEROOM_DATABASE_URL", "sqlite:///elsewhere.db")
    assert load_settings(data_dir="here").database_url == "sqlite:///elsewhere.db"


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEROOM_GAMES", "chess.py, more.py:Go,")
    assert load_settings().games == ("chess.py", "more.py:Go")


@pytest.mark.parametrize(
    "written",
    [
        "https://play.example.org/",
        "https://Play.Example.org",
        "HTTPS://play.example.org:443",
        "https://play.example.org",
    ],
)
def test_origins_may_be_written_as_people_do(written: str) -> None:
    """Regression: one with a slash behind was taken, and matched no page ever."""
    assert load_settings(allowed_origins=written).allowed_origins == ("https://play.example.org",)


@pytest.mark.parametrize(
    "origin", ["*", "null", "http://localhost:5173", "http://[::1]:8080", "capacitor://localhost"]
)
def test_an_origin_is_kept_as_browsers_say_it(origin: str) -> None:
    assert load_settings(allowed_origins=origin).allowed_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "play.example.org",
        "https://",
        "https://play.example.org/game",
        "https://*.example.org",
        "https://größe.example",
    ],
)
def test_what_could_match_no_page_is_refused(origin: str) -> None:
    with pytest.raises(
        BadSettings, match="GAMEROOM_ALLOWED_ORIGINS: an origin is a scheme and a host, such as"
    ):
        load_settings(allowed_origins=f"https://play.example.org, {origin}")


def test_logs_are_json_in_production_unless_said_otherwise() -> None:
    assert load_settings().log_format == "text"
    assert load_settings(environment="production").log_format == "json"
    assert load_settings(environment="production", log_format="text").log_format == "text"


def test_production_refuses_the_sample_secret() -> None:
    assert load_settings(room_password_key=SAMPLE_SECRET).room_password_key is not None
    with pytest.raises(BadSettings, match="GAMEROOM_ROOM_PASSWORD_KEY is the sample"):
        load_settings(environment="production", room_password_key=SAMPLE_SECRET)
    load_settings(environment="production", room_password_key=GOOD_SECRET)


def test_a_short_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadSettings, match="GAMEROOM_ROOM_PASSWORD_KEY: a secret needs 32") as refused:
        load_settings(room_password_key="hunter2")
    assert "hunter2" not in str(refused.value)


def test_secrets_are_not_shown() -> None:
    settings = load_settings(room_password_key=GOOD_SECRET, database_url="postgresql://u:hunter2@h/d")
    assert GOOD_SECRET not in repr(settings)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("GAMEROOM_PORT=http", "GAMEROOM_PORT: Input should be a valid integer"),
        ("GAMEROOM_PORT=70000", "GAMEROOM_PORT: Input should be less than or equal to 65535"),
        ("GAMEROOM_GRACE_MS=0", "GAMEROOM_GRACE_MS: Input should be greater than 0"),
        (
            "GAMEROOM_MAX_SERVER_MESSAGE_BYTES=16383",
            "GAMEROOM_MAX_SERVER_MESSAGE_BYTES: 16384 or more: else there are rooms that fit into no message",
        ),
        ("GAMEROOM_ENVIRONMENT=test", "GAMEROOM_ENVIRONMENT: Input should be 'development' or 'production'"),
        ("GAMEROOM_GRACEMS=1", "GAMEROOM_GRACEMS is no setting; did you mean GAMEROOM_GRACE_MS?"),
    ],
)
def test_a_bad_line_is_named_in_the_operators_words(line: str, sentence: str) -> None:
    Path(".env").write_text(line)
    with pytest.raises(BadSettings, match=sentence):
        load_settings()


def test_a_misspelt_variable_of_the_environment_is_named_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Regression: it was ignored in silence."""
    monkeypatch.setenv("GAMEROOM_GRACEMS", "1")
    monkeypatch.setenv("GAMEROOM_IMAGE", "somebody else's")
    monkeypatch.setenv("gameroom_port", "1")
    assert load_settings().port == 1
    assert unknown_variables() == [
        "GAMEROOM_GRACEMS is no setting; did you mean GAMEROOM_GRACE_MS?",
        "GAMEROOM_IMAGE is no setting",
    ]


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(BadSettings, match=r"GAMEROOM_PORT: .*; GAMEROOM_GRACE_MS: "):
        load_settings(port="x", grace_ms="y")


@pytest.mark.parametrize(("written", "days"), [("7", 7), ("forever", None)])
def test_closed_rooms_are_kept_for_days_or_forever(
    monkeypatch: pytest.MonkeyPatch, written: str, days: int | None
) -> None:
    monkeypatch.setenv("GAMEROOM_CLOSED_ROOM_RETENTION_DAYS", written)
    assert load_settings().closed_room_retention_days == days


@pytest.mark.parametrize("written", ["0", "-1", "never", "36501"])
def test_there_is_no_other_time_to_keep_them(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("GAMEROOM_CLOSED_ROOM_RETENTION_DAYS", written)
    with pytest.raises(BadSettings, match=r"^GAMEROOM_CLOSED_ROOM_RETENTION_DAYS: "):
        load_settings()


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_setting_does_something() -> None:
    readers = [ROOT / "backend" / "gameroom" / name for name in ("app.py", "cli/serving.py", "server.py")]
    source = "\n".join(reader.read_text() for reader in readers)
    assert [name for name in Settings.model_fields if f"settings.{name}" not in source] == []


def test_env_example_is_written_from_the_settings() -> None:
    stored = (ROOT / ".env.example").read_text()
    assert stored == env_example(), "run `make env-example`"


def test_env_example_uncommented_is_the_defaults() -> None:
    lines = [line[2:] for line in env_example().splitlines() if line.startswith(f"# {PREFIX}")]
    assert len(lines) == len(Settings.model_fields)
    defaults = load_settings()
    Path(".env").write_text("\n".join(lines))
    assert load_settings(room_password_key=None, metrics_token=None) == defaults
