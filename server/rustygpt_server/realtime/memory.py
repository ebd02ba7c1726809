"""The backplane within one process: several hubs on one bus, or one hub alone on its own."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from rustygpt_server.realtime.backplane import Ear
from rustygpt_server.realtime.words import Word


class Bus:
    """Hands on what one of its backplanes tells to the ears of the others."""

    def __init__(self) -> None:
        self._ears: dict[MemoryBackplane, Ear] = {}

    def join(self, who: "MemoryBackplane", ear: Ear) -> None:
        """Let somebody hear the others."""
        self._ears[who] = ear

    def leave(self, who: "MemoryBackplane") -> None:
        """Let somebody hear no more."""
        self._ears.pop(who, None)

    def tell(self, who: "MemoryBackplane", what: Callable[[Ear], None]) -> None:
        """Call every other ear, in a later turn of the loop: as lines between processes do."""
        for other in self._ears:
            if other is not who:
                asyncio.get_running_loop().call_soon(self._deliver, other, what)

    def _deliver(self, whom: "MemoryBackplane", what: Callable[[Ear], None]) -> None:
        ear = self._ears.get(whom)
        if ear is not None:
            what(ear)


class MemoryBackplane:
    """One hub's place on a bus."""

    def __init__(self, bus: Bus | None = None) -> None:
        self._bus = bus or Bus()
        self._hears = False

    async def start(self, ear: Ear) -> None:
        """Join the bus."""
        self._bus.join(self, ear)
        self._hears = True
        ear.returned()

    async def stop(self) -> None:
        """Leave the bus."""
        self._hears = False
        self._bus.leave(self)

    @property
    def hears(self) -> bool:
        """Whether it is on the bus."""
        return self._hears

    def announce(self, conversation_id: UUID, number: int) -> None:
        """Tell how far a conversation's log goes."""
        self._bus.tell(self, lambda ear: ear.positions({conversation_id: number}))

    def say(self, word: Word) -> None:
        """Tell something passing."""
        self._bus.tell(self, lambda ear: ear.word(word))
