"""Only for what is compiled; everything else stands in pyproject.toml. See docs/decisions/0015-compiled-hot-path.md.

`optional`: where no C compiler is found, the installation goes on without any of it.
"""

import sys

from setuptools import Extension, setup

HOT_PATH = [
    "gateway/asked",
    "gateway/attachment",
    "gateway/connection",
    "gateway/dispatcher",
    "gateway/heartbeat",
    "gateway/hub",
    "gateway/limits",
    "gateway/wire",
    "gateway/fast_path/departures",
    "gateway/fast_path/parser",
    "gateway/fast_path/socket",
    "rooms/actor",
    "rooms/batch",
    "rooms/card_book",
    "rooms/entrance",
    "rooms/framing",
    "rooms/headroom",
    "rooms/history",
    "rooms/listing",
    "rooms/local",
    "rooms/mailbox",
    "rooms/presence",
    "rooms/refusals",
    "rooms/replies",
    "rooms/room",
    "rooms/router",
    "rooms/sealing",
    "rooms/state",
    "rooms/turn",
    "rooms/turns",
    "rooms/views",
    "rooms/window",
    "rooms/handlers/chat",
    "rooms/handlers/play",
    "bus/local",
    "games/visible",
    "protocol/codec",
    "protocol/frames",
    "protocol/free_json",
    "protocol/patch",
]
"""Where a message goes: the modules that mypyc compiles. None of them defines a Struct."""

FRAMING = Extension(
    "gameroom.gateway.fast_path._framing",
    ["backend/gameroom/gateway/fast_path/_framing.c"],
    extra_compile_args=["-O3"],
    optional=True,
)


def hot_path() -> list[Extension]:
    """Nothing in an editable installation: there the source that is edited is the source that runs."""
    if "bdist_wheel" not in sys.argv:
        return []
    from mypyc.build import mypycify  # needed only here, and not everywhere to be had

    modules = [f"backend/gameroom/{module}.py" for module in HOT_PATH]
    # `make check` is strict; here no dependency but msgspec is installed, and what it says of types is not asked.
    extensions = mypycify(["--config-file=", "--ignore-missing-imports", *modules], debug_level="0")
    for extension in extensions:
        extension.optional = True
    return extensions


setup(ext_modules=[FRAMING, *hot_path()])
