"""What waits to be told goes out in bulk, and outlives a line that is away."""

import asyncio
from uuid import UUID, uuid4

from tests.support.clocks import TestClock
from tests.support.waiting import until

from rustygpt_server.realtime.backplane import Unheard
from rustygpt_server.realtime.outgoing import RETRY_SECONDS, WORDS_KEPT, Outgoing
from rustygpt_server.realtime.words import Cancel, Packet, unpack


class _Wire:
    """Sends when it is let, and keeps what it sent."""

    def __init__(self) -> None:
        self.sendings: list[list[Packet]] = []
        self.free = asyncio.Event()
        self.away = False

    async def send(self, packets: list[str]) -> None:
        await self.free.wait()
        if self.away:
            raise Unheard("away")
        self.sendings.append([unpack(packet) for packet in packets])


async def test_what_comes_meanwhile_goes_in_one_packet() -> None:
    """One sending at a time; of positions only the last."""
    wire, room = _Wire(), UUID(int=1)
    outgoing = Outgoing("me", wire.send, TestClock())
    outgoing.announce(room, 1)
    await asyncio.sleep(0)
    for number in range(2, 100):
        outgoing.announce(room, number)
    wire.free.set()
    await until(lambda: len(wire.sendings) == 2)

    assert wire.sendings == [[Packet("me", {room: 1}, [])], [Packet("me", {room: 99}, [])]]


async def test_positions_are_told_again_and_words_are_not() -> None:
    """After a line was away, only what is still of use is told."""
    wire, room, clock = _Wire(), UUID(int=1), TestClock()
    wire.away = True
    wire.free.set()
    outgoing = Outgoing("me", wire.send, clock)
    outgoing.announce(room, 5)
    outgoing.say(Cancel(uuid4()))
    await asyncio.sleep(0.01)
    outgoing.announce(room, 4)
    wire.away = False
    clock.move(RETRY_SECONDS)
    await until(lambda: wire.sendings == [[Packet("me", {room: 5}, [])]])


async def test_waiting_words_are_bounded() -> None:
    """The oldest go first."""
    wire = _Wire()
    outgoing = Outgoing("me", wire.send, TestClock())
    words = [Cancel(uuid4()) for _ in range(WORDS_KEPT + 10)]
    for word in words:
        outgoing.say(word)
    wire.free.set()
    await outgoing.stop()

    assert [word for packet in wire.sendings[0] for word in packet.words] == words[10:]
