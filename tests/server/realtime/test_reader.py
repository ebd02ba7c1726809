"""One open stream."""

from tests.support.event_log import ListLog, make_hub, make_reader

from rustygpt_server.realtime.outbox import Item, Kind


def test_a_closed_reader_takes_nothing_more() -> None:
    """After the end was decided, no event of the conversation is queued."""
    reader = make_reader(make_hub(ListLog()))
    reader.close("removed")

    reader.tell(Item(Kind.DURABLE, b"x"))

    assert len(reader.outbox) == 0
    assert reader.closing == (
        b'event: stream.closed\ndata: {"type":"stream.closed","payload":{"reason":"removed"}}\n\n'
    )


def test_the_first_reason_stays() -> None:
    """A stream that ends for one reason does not end for another."""
    reader = make_reader(make_hub(ListLog()))
    reader.close("removed")

    reader.close("shutdown", retry_ms=5)

    assert b"removed" in (reader.closing or b"")


def test_a_closing_stream_can_say_when_to_come_back() -> None:
    """At shutdown each reader gets a time of its own."""
    reader = make_reader(make_hub(ListLog()))

    reader.close("shutdown", retry_ms=700)

    assert (reader.closing or b"").startswith(b"retry: 700\nevent: stream.closed\n")
