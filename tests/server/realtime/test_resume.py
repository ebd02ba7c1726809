"""Where a stream starts, and the first frames that it sends."""

from uuid import UUID

import pytest
from tests.support.components.hub_harness import CONVERSATION_ID, HubHarness, membership

from rustygpt_server.db.events import LogBounds
from rustygpt_server.realtime.resume import ResumePoint, find_resume_point, parse_positions
from rustygpt_server.realtime.subscriber import Subscriber

OTHER = UUID(int=8)


def followed(subscriber: Subscriber) -> list[UUID]:
    """Return the conversations that a stream is subscribed to."""
    return [subscription.conversation_id for subscription in subscriber.subscriptions]


@pytest.mark.parametrize(
    ("last_event_id", "expected"),
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
def test_a_valid_id_resumes_and_any_other_resets(
    last_event_id: str | None, expected: ResumePoint
) -> None:
    """No id leads to an error."""
    assert find_resume_point(last_event_id, LogBounds(100, 50), 51) == expected


def test_a_client_too_far_behind_resets() -> None:
    """Beyond the allowed backfill, loading is cheaper than replaying."""
    assert find_resume_point("evt_0", LogBounds(100, 1), 99) == ResumePoint(100, "too_far")


def test_the_first_frame_contains_the_position() -> None:
    """A retry line, then stream.open, whose id line is the position."""
    harness = HubHarness()
    resume_point = harness.start(harness.subscriber(), None, LogBounds(1, 1))

    frames = harness.starter.open_frame(resume_point)

    assert frames.startswith(b"retry: 1000\n\nid: evt_1\nevent: stream.open\n")


def test_a_reset_follows_the_first_frame() -> None:
    """If the stream cannot resume, the client gets the reason and the position at once.

    Only the reset has an id line: a connection that breaks before it must not lose it.
    """
    harness = HubHarness()
    resume_point = harness.start(harness.subscriber(), "evt_9", LogBounds(1, 1))

    frames = harness.starter.open_frame(resume_point)

    assert frames.startswith(b"retry: 1000\n\nevent: stream.open\n")
    assert b'id: evt_1\nevent: stream.reset\ndata: {"type":"stream.reset"' in frames
    assert b'"reason":"unknown"' in frames


def test_recent_events_need_no_log() -> None:
    """A stream can resume from the ring although the log was pruned."""
    harness = HubHarness()
    subscriber = harness.subscriber()
    harness.channel.start(0)
    harness.hub.publish(CONVERSATION_ID, [harness.log.add() for _ in range(5)])

    assert harness.start(subscriber, "evt_2", LogBounds(5, 6)) == ResumePoint(2, None)


def test_a_stream_of_all_conversations_starts_with_their_positions() -> None:
    """There is no id line, for there are several positions; each reset names its conversation.

    Its position is in the reset only: a connection that breaks before it must not lose it.
    """
    harness = HubHarness()
    subscriber = harness.subscriber(all_conversations=True)
    bounds = {CONVERSATION_ID: LogBounds(7, 1), OTHER: LogBounds(2, 1)}

    seen = {CONVERSATION_ID: "evt_5", OTHER: "evt_9"}
    frames = harness.starter.start_all(subscriber, seen, bounds)

    assert b"id: " not in frames
    assert f'"positions":{{"{CONVERSATION_ID}":"evt_5"}}'.encode() in frames
    assert frames.count(b"stream.reset\n") == 1
    reset = f'"reason":"unknown","last_event_id":"evt_2","conversation_id":"{OTHER}"'
    assert reset.encode() in frames
    assert [subscription.cursor for subscription in subscriber.subscriptions] == [5, 2]


def test_a_conversation_that_the_user_has_left_gets_a_reset() -> None:
    """Its client learns that there are no more events of it."""
    harness = HubHarness()
    subscriber = harness.subscriber(all_conversations=True)

    frames = harness.starter.start_all(
        subscriber, {OTHER: "evt_2"}, {CONVERSATION_ID: LogBounds(7, 1)}
    )

    assert f'"reason":"removed","last_event_id":"evt_0","conversation_id":"{OTHER}"' in str(frames)
    assert frames.count(b"stream.reset\n") == 1


@pytest.mark.parametrize(
    ("raw", "expected", "is_complete"),
    [
        (None, {}, True),
        ("", {}, True),
        (f"{CONVERSATION_ID}:evt_1,", {CONVERSATION_ID: "evt_1"}, True),
        ("nonsense", {}, False),
        (f"{CONVERSATION_ID}", {CONVERSATION_ID: "none"}, True),
        (
            f"{CONVERSATION_ID}:evt_1,x:evt_2,{OTHER}:",
            {CONVERSATION_ID: "evt_1", OTHER: "none"},
            False,
        ),
        ("," * 100_000, {}, False),
    ],
)
def test_what_cannot_be_read_of_the_positions_is_noticed(
    raw: str | None, expected: dict[UUID, str], is_complete: bool
) -> None:
    """No input leads to an error, and none that names no conversation is ignored."""
    assert parse_positions(raw) == (expected, is_complete)


def test_at_most_a_hundred_positions_are_read() -> None:
    """The rest is treated as if the client had seen nothing of it."""
    raw = [f"{UUID(int=n)}:evt_1" for n in range(150)]
    positions = parse_positions(",".join(raw))

    assert (len(positions.seen), positions.is_complete) == (100, False)
    assert parse_positions(",".join(raw[:100])).is_complete


def test_a_removal_while_opening_is_not_missed() -> None:
    """The user was removed after the query for memberships, and before the subscription."""
    harness = HubHarness()
    subscriber = harness.subscriber(all_conversations=True)
    harness.subscriber()
    harness.channel.start(0)
    harness.hub.publish(CONVERSATION_ID, [membership(1, subscriber.identity.user_id, "removed")])

    harness.starter.start_all(
        subscriber, {}, {CONVERSATION_ID: LogBounds(0, 1), OTHER: LogBounds(3, 1)}
    )

    assert followed(subscriber) == [OTHER]


async def test_joining_and_leaving_while_opening_is_not_missed() -> None:
    """The query came between the two, and the removal closed a subscription that existed then."""
    harness = HubHarness()
    subscriber = harness.subscriber(all_conversations=True)
    user_id = subscriber.identity.user_id
    harness.subscriber()
    harness.channel.start(0)
    harness.starter.subscribe_joined(user_id, CONVERSATION_ID, 1)
    harness.hub.publish(
        CONVERSATION_ID, [membership(1, user_id, "added"), membership(2, user_id, "removed")]
    )

    harness.starter.start_all(
        subscriber, {}, {CONVERSATION_ID: LogBounds(1, 1), OTHER: LogBounds(3, 1)}
    )

    assert followed(subscriber) == [OTHER]


def test_a_conversation_joined_later_is_followed() -> None:
    """The user's streams of all conversations subscribe once, before the event of the join."""
    harness = HubHarness()
    subscriber = harness.subscriber(all_conversations=True)
    single = harness.subscriber()
    for _ in range(2):
        harness.starter.subscribe_joined(subscriber.identity.user_id, OTHER, 4)
    harness.starter.subscribe_joined(single.identity.user_id, OTHER, 4)

    (subscription,) = subscriber.subscriptions
    assert (subscription.conversation_id, subscription.cursor) == (OTHER, 3)
    frames = subscriber.send_queue.pop_chunk()
    assert frames.count(b"stream.reset\n") == 1
    assert b'"reason":"joined","last_event_id":"evt_3"' in frames
    assert len(single.subscriptions) == 1
