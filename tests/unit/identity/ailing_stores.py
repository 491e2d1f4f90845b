"""Stores that fail at a moment of the test's choice."""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from inspect import iscoroutinefunction
from typing import Any

from gameroom.errors import Unavailable
from gameroom.identity.memory import MemoryStores


class AilingStores(MemoryStores):
    """Stores in memory; once told to, one of the next calls is `Unavailable`, and has changed nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.to_come: int | None = None
        """How many calls still go well; None: all."""

    def contents(self) -> dict[str, Any]:
        """All that is stored, as of now."""
        return deepcopy({name: value for name, value in vars(self).items() if name != "to_come"})

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return self._ailing(found) if iscoroutinefunction(found) else found

    def _ailing(self, call: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def ailing(*arguments: object) -> object:
            if self.to_come == 0:
                self.to_come = None
                raise Unavailable("The database is away")
            if self.to_come is not None:
                self.to_come -= 1
            return await call(*arguments)

        return ailing
