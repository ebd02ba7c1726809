"""Where a stream starts, and what it is told first."""

from uuid import UUID

import pytest
from tests.support.components.hub_harness import (
    CONVERSATION_ID,
    MemoryEventLog,
    make_hub,
    make_subscriber,
    membership,
)

from rustygpt_server.db.events import LogBounds
from rustygpt_server.realtime import resume
from rustygpt_server.realtime.resume import ResumePoint, find_resume_point

OTHER = UUID(int=8)


@pytest.mark.parametrize(
    ("seen", "start"),
    [
        (None, ResumePoint(100, None)),
        ("", ResumePoint(100, None)),
        ("evt_100", ResumePoint(100, None)),
        ("evt_60", ResumePoint(60, None)),
        ("evt_49", ResumePoint(49, None)),
        ("evt_48", ResumePoint(100, "trimmed")),
        ("evt_101", ResumePoint(100, "unknown")),
        ("evt_99999999999999999999999", ResumePoint(100, "unknown")),
        ("nonsense\x00", ResumePoint(100, "unknown")),
        ("evt_-1", ResumePoint(100, "unknown")),
    ],
)
def test_where_a_stream_starts(seen: str | None, start: ResumePoint) -> None:
    """A good id resumes, any other is answered by a reset and never by an error."""
    assert find_resume_point(seen, LogBounds(100, 50), 51) == start


def test_a_reader_too_far_behind_starts_anew() -> None:
    """Beyond the allowed backfill, loading is cheaper than replaying."""
    assert find_resume_point("evt_0", LogBounds(100, 1), 99) == ResumePoint(100, "too_far")


def test_the_opening_is_the_position() -> None:
    """A retry line and stream.open, whose id line is the position."""
    hub = make_hub(MemoryEventLog())
    start = resume.start_subscription(
        hub, make_subscriber(hub).subscriptions[0], None, LogBounds(1, 1)
    )

    first = resume.open_frame(hub, start)

    assert first.startswith(b"retry: 1000\n\nid: evt_1\nevent: stream.open\n")


def test_a_reset_follows_the_opening() -> None:
    """What cannot be resumed is told at once, with the place to go on from."""
    hub = make_hub(MemoryEventLog())
    start = resume.start_subscription(
        hub, make_subscriber(hub).subscriptions[0], "evt_9", LogBounds(1, 1)
    )

    first = resume.open_frame(hub, start)

    assert b'id: evt_1\nevent: stream.reset\ndata: {"type":"stream.reset"' in first
    assert b'"reason":"unknown"' in first


def test_recent_events_need_no_log() -> None:
    """What is kept here can be resumed from, though the log has it no more."""
    log = MemoryEventLog()
    hub = make_hub(log)
    reader = make_subscriber(hub)
    hub.channel(CONVERSATION_ID).start(0)
    hub.publish(CONVERSATION_ID, [log.add() for _ in range(5)])

    assert resume.start_subscription(
        hub, reader.subscriptions[0], "evt_2", LogBounds(5, 6)
    ) == ResumePoint(2, None)


def test_a_stream_of_all_says_where_each_goes_on() -> None:
    """No id line, for there are several positions; what cannot be resumed is named."""
    hub = make_hub(MemoryEventLog())
    reader = make_subscriber(hub, all_conversations=True)
    rooms = {CONVERSATION_ID: LogBounds(7, 1), OTHER: LogBounds(2, 1)}

    first = resume.start_subscriptions(hub, reader, f"{CONVERSATION_ID}:evt_5,{OTHER}:evt_9", rooms)

    assert b"id: " not in first
    assert f'"positions":{{"{CONVERSATION_ID}":"evt_5","{OTHER}":"evt_2"}}'.encode() in first
    assert first.count(b"stream.reset\n") == 1
    assert (
        f'"reason":"unknown","last_event_id":"evt_2","conversation_id":"{OTHER}"'.encode() in first
    )
    assert [seat.cursor for seat in reader.subscriptions] == [5, 2]


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        (None, {}),
        ("", {}),
        ("nonsense", {}),
        (f"{CONVERSATION_ID}", {CONVERSATION_ID: "none"}),
        (f"{CONVERSATION_ID}:evt_1,x:evt_2,{OTHER}:", {CONVERSATION_ID: "evt_1", OTHER: "none"}),
        ("," * 100_000, {}),
    ],
)
def test_positions_are_read_as_far_as_they_can_be(told: str | None, seen: dict[UUID, str]) -> None:
    """What names no conversation is passed over; nothing is an error."""
    assert resume.parse_positions(told) == seen


def test_at_most_a_hundred_positions_are_read() -> None:
    """The rest is as if the client had seen nothing of it."""
    told = ",".join(f"{UUID(int=n)}:evt_1" for n in range(150))

    assert len(resume.parse_positions(told)) == 100


def test_a_removal_while_opening_is_not_missed() -> None:
    """The database said "member", and then the person was removed, before the seat was there."""
    log = MemoryEventLog()
    hub = make_hub(log)
    reader = make_subscriber(hub, all_conversations=True)
    make_subscriber(hub)
    hub.channel(CONVERSATION_ID).start(0)
    hub.publish(CONVERSATION_ID, [membership(1, reader.identity.user_id, "removed")])

    resume.start_subscriptions(
        hub, reader, None, {CONVERSATION_ID: LogBounds(0, 1), OTHER: LogBounds(3, 1)}
    )

    assert [seat.conversation_id for seat in reader.subscriptions] == [OTHER]


async def test_coming_and_going_while_opening_is_not_missed() -> None:
    """The database was asked in between, and the removal took a seat that there was by then."""
    hub = make_hub(MemoryEventLog())
    reader = make_subscriber(hub, all_conversations=True)
    user_id = reader.identity.user_id
    make_subscriber(hub)
    hub.channel(CONVERSATION_ID).start(0)
    resume.subscribe_joined(hub, user_id, CONVERSATION_ID, 1)
    hub.publish(
        CONVERSATION_ID, [membership(1, user_id, "added"), membership(2, user_id, "removed")]
    )

    resume.start_subscriptions(
        hub, reader, None, {CONVERSATION_ID: LogBounds(1, 1), OTHER: LogBounds(3, 1)}
    )

    assert [seat.conversation_id for seat in reader.subscriptions] == [OTHER]


def test_a_conversation_joined_later_is_followed() -> None:
    """From the event on that tells of it, once, by the person's streams of all conversations."""
    hub = make_hub(MemoryEventLog())
    reader, single = make_subscriber(hub, all_conversations=True), make_subscriber(hub)
    for _ in range(2):
        resume.subscribe_joined(hub, reader.identity.user_id, OTHER, 4)
    resume.subscribe_joined(hub, single.identity.user_id, OTHER, 4)

    assert [(seat.conversation_id, seat.cursor) for seat in reader.subscriptions] == [(OTHER, 3)]
    told = reader.send_queue.pop_chunk()
    assert told.count(b"stream.reset\n") == 1
    assert b'"reason":"joined","last_event_id":"evt_3"' in told
    assert len(single.subscriptions) == 1
