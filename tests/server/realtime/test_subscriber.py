"""One open stream."""

from tests.support.components.hub_harness import MemoryEventLog, make_hub, make_subscriber

from rustygpt_server.realtime.send_queue import Priority, QueuedFrame


def test_a_closed_reader_takes_nothing_more() -> None:
    """After the end was decided, no event of the conversation is queued."""
    reader = make_subscriber(make_hub(MemoryEventLog()))
    reader.close("removed")

    reader.send(QueuedFrame(Priority.DURABLE, b"x"))

    assert len(reader.send_queue) == 0
    assert reader.close_frame == (
        b'event: stream.closed\ndata: {"type":"stream.closed","payload":{"reason":"removed"}}\n\n'
    )


def test_the_first_reason_stays() -> None:
    """A stream that ends for one reason does not end for another."""
    reader = make_subscriber(make_hub(MemoryEventLog()))
    reader.close("removed")

    reader.close("shutdown", retry_ms=5)

    assert b"removed" in (reader.close_frame or b"")


def test_a_closing_stream_can_say_when_to_come_back() -> None:
    """At shutdown each reader gets a time of its own."""
    reader = make_subscriber(make_hub(MemoryEventLog()))

    reader.close("shutdown", retry_ms=700)

    assert (reader.close_frame or b"").startswith(b"retry: 700\nevent: stream.closed\n")
