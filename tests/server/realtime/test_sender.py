"""What waits to be told goes out in bulk, and outlives a line that is away."""

import asyncio
from uuid import UUID, uuid4

from tests.support.fakes.fake_clock import FakeClock
from tests.support.wait import until

from rustygpt_server.realtime.backplane import PublishFailed
from rustygpt_server.realtime.backplane_messages import CancelAnswer, Packet, unpack
from rustygpt_server.realtime.sender import MAX_QUEUED, RETRY_SECONDS, BackplaneSender


class _Wire:
    """Sends when it is let, and keeps what it sent."""

    def __init__(self) -> None:
        self.sendings: list[list[Packet]] = []
        self.free = asyncio.Event()
        self.away = False

    async def send(self, packets: list[str]) -> None:
        await self.free.wait()
        if self.away:
            raise PublishFailed("away")
        self.sendings.append([unpack(packet) for packet in packets])


async def test_what_comes_meanwhile_goes_in_one_packet() -> None:
    """One sending at a time; of positions only the last."""
    wire, room = _Wire(), UUID(int=1)
    outgoing = BackplaneSender("me", wire.send, FakeClock())
    outgoing.publish_position(room, 1)
    await asyncio.sleep(0)
    for number in range(2, 100):
        outgoing.publish_position(room, number)
    wire.free.set()
    await until(lambda: len(wire.sendings) == 2)

    assert wire.sendings == [[Packet("me", {room: 1}, [])], [Packet("me", {room: 99}, [])]]


async def test_positions_are_told_again_and_words_are_not() -> None:
    """After a line was away, only what is still of use is told."""
    wire, room, clock = _Wire(), UUID(int=1), FakeClock()
    wire.away = True
    wire.free.set()
    outgoing = BackplaneSender("me", wire.send, clock)
    outgoing.publish_position(room, 5)
    outgoing.publish(CancelAnswer(uuid4()))
    await asyncio.sleep(0.01)
    outgoing.publish_position(room, 4)
    wire.away = False
    clock.advance(RETRY_SECONDS)
    await until(lambda: wire.sendings == [[Packet("me", {room: 5}, [])]])


async def test_waiting_words_are_bounded() -> None:
    """The oldest go first."""
    wire = _Wire()
    outgoing = BackplaneSender("me", wire.send, FakeClock())
    words = [CancelAnswer(uuid4()) for _ in range(MAX_QUEUED + 10)]
    for word in words:
        outgoing.publish(word)
    wire.free.set()
    await outgoing.stop()

    assert [word for packet in wire.sendings[0] for word in packet.messages] == words[10:]
