"""An operator of a server: the command line as a process of its own, beside the server's."""

import asyncio
import os
import sys

from tests.kit.server import Server

DEADLINE_S = 30


class OperatorRefused(Exception):
    """The command ended with another code than 0; the message is what it said."""


async def users(server: Server, *arguments: str) -> str:
    """Run `gameroom users …` on the server's data; what it prints. Raises `OperatorRefused`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GAMEROOM_")}
    command = [sys.executable, "-m", "gameroom.cli", "users", *arguments, "--data-dir", str(server.data_dir)]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate()
    if process.returncode != 0:
        raise OperatorRefused(f"exit code {process.returncode}: {err.decode()}")
    return out.decode().rstrip("\n")
