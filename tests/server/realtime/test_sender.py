"""Outgoing backplane messages are sent in bulk, and positions survive a lost connection."""

import asyncio
from uuid import UUID, uuid4

from tests.support.fakes.fake_clock import FakeClock
from tests.support.wait import until

from rustygpt_server.realtime.backplane import PublishFailed
from rustygpt_server.realtime.backplane_messages import CancelAnswer, Packet, unpack
from rustygpt_server.realtime.sender import MAX_QUEUED, RETRY_SECONDS, BackplaneSender

CONVERSATION_ID = UUID(int=1)


class FakeTransport:
    """Sends packets once it is released, and records them."""

    def __init__(self) -> None:
        self.sent: list[list[Packet]] = []
        self.released = asyncio.Event()
        self.is_down = False

    async def send(self, packets: list[str]) -> None:
        """Record packets, or fail."""
        await self.released.wait()
        if self.is_down:
            raise PublishFailed("down")
        self.sent.append([unpack(packet) for packet in packets])


async def test_positions_published_during_a_send_go_into_one_packet() -> None:
    """One send at a time; of several positions of a conversation the last."""
    transport = FakeTransport()
    sender = BackplaneSender("me", transport.send, FakeClock())
    sender.publish_position(CONVERSATION_ID, 1)
    await asyncio.sleep(0)
    for number in range(2, 100):
        sender.publish_position(CONVERSATION_ID, number)
    transport.released.set()
    await until(lambda: len(transport.sent) == 2)

    assert transport.sent == [
        [Packet("me", {CONVERSATION_ID: 1}, [])],
        [Packet("me", {CONVERSATION_ID: 99}, [])],
    ]


async def test_positions_are_sent_again_and_messages_are_not() -> None:
    """After a failure, only what is still useful is sent."""
    transport = FakeTransport()
    clock = FakeClock()
    transport.is_down = True
    transport.released.set()
    sender = BackplaneSender("me", transport.send, clock)
    sender.publish_position(CONVERSATION_ID, 5)
    sender.publish(CancelAnswer(uuid4()))
    await asyncio.sleep(0.01)
    sender.publish_position(CONVERSATION_ID, 4)
    transport.is_down = False
    clock.advance(RETRY_SECONDS)
    await until(lambda: transport.sent == [[Packet("me", {CONVERSATION_ID: 5}, [])]])


async def test_the_queue_of_messages_is_bounded() -> None:
    """The oldest are dropped first."""
    transport = FakeTransport()
    sender = BackplaneSender("me", transport.send, FakeClock())
    messages = [CancelAnswer(uuid4()) for _ in range(MAX_QUEUED + 10)]
    for message in messages:
        sender.publish(message)
    transport.released.set()
    await sender.stop()

    sent = [message for packet in transport.sent[0] for message in packet.messages]
    assert sent == messages[10:]
