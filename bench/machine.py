"""What the figures were measured on: they mean nothing without it."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

PYTHON_PACKAGES = ("fastapi", "uvicorn", "uvloop", "websockets", "pydantic", "msgspec", "python-socketio")
NODE_PEERS = Path(__file__).parent / "peers" / "node" / "package.json"


def describe_machine() -> Mapping[str, str]:
    peers = json.loads(NODE_PEERS.read_text())["dependencies"]
    return {
        "gameroom": f"{version('gameroom')}, {_how_compiled()}",
        **describe_hardware(),
        "Python": f"{platform.python_version()}; "
        + ", ".join(f"{name} {version(name)}" for name in PYTHON_PACKAGES),
        "Node": f"{_node()}; " + ", ".join(f"{name} {wanted}" for name, wanted in peers.items()),
    }


def describe_hardware() -> Mapping[str, str]:
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
    }


def _how_compiled() -> str:
    """Where no compiler was found when it was installed, gameroom runs as plain Python."""
    spec = find_spec("gameroom.rooms.room")
    return "compiled" if spec and str(spec.origin).endswith(".so") else "plain Python"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _node() -> str:
    return subprocess.run(["node", "--version"], capture_output=True, check=True, text=True).stdout.strip()  # noqa: S607
