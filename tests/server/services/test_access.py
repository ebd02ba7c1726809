"""Access changes: they close streams and reach listeners, whatever order they arrive in."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from tests.support.components.hub_harness import CONVERSATION_ID, HubHarness, membership
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.fakes.fake_clock import FakeClock

from rustygpt_server.db import access_changes, participants
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.errors import NotSignedIn
from rustygpt_server.realtime.subscriber import Subscriber
from rustygpt_server.services.access import PAGE_SIZE, AccessMonitor


class Process:
    """A process's access monitor, on a hub with an event log in memory."""

    def __init__(
        self,
        builder: DatabaseBuilder,
        page_size: int = PAGE_SIZE,
        last_number: int | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.harness = HubHarness(clock=self.clock)
        self.hub = self.harness.hub
        self.access = AccessMonitor(
            builder.db,
            self.hub,
            self.harness.catch_up,
            self.harness.backplane,
            self.harness.runtime,
            page_size=page_size,
            last_number=last_number,
        )
        self.received: list[AccessChange | None] = []
        self.access.subscribe(self.received.append)

    async def poll_first(self) -> None:
        """Find the end of the log, as a process does on start."""
        await self.access.poll()
        self.access.gap_detected = False
        self.received.clear()


@pytest.fixture
async def process(builder: DatabaseBuilder) -> AsyncIterator[Process]:
    """A process that has found the end of the log."""
    process = Process(builder)
    await process.poll_first()
    yield process
    await process.harness.catch_up.stop()


def is_closing(subscriber: Subscriber) -> bool:
    """Return True if a stream has to end."""
    return subscriber.close_frame is not None


def removed(user_id: UUID, number: int) -> AccessChange:
    """Return the change by which a user was removed from the conversation."""
    return AccessChange("removed", user_id, None, CONVERSATION_ID, number)


async def test_changes_from_before_the_start_are_not_applied(builder: DatabaseBuilder) -> None:
    """A new process only knows that it may have missed some."""
    ada = await builder.person("ada")
    await builder.conversation(ada)
    process = Process(builder)
    await process.access.poll()
    assert process.access.gap_detected
    conversation_id = await builder.conversation(ada)
    await process.access.poll()

    assert process.received == [None, AccessChange("added", ada, None, conversation_id)]


async def test_a_long_log_is_read_to_its_end(builder: DatabaseBuilder) -> None:
    """One poll reads as many pages as there are."""
    process = Process(builder, page_size=2)
    await process.poll_first()
    ada = await builder.person("ada")
    conversation_ids = [await builder.conversation(ada) for _ in range(5)]
    await process.access.poll()

    assert [change.conversation_id for change in process.received if change] == conversation_ids


@pytest.mark.parametrize("case", ["pruned", "restored"])
async def test_a_log_with_missing_changes_is_noticed(builder: DatabaseBuilder, case: str) -> None:
    """Changes were pruned, or the log is shorter than it was: nothing cached is valid any more."""
    process = Process(builder, last_number=9 if case == "restored" else None)
    if case == "pruned":
        await process.poll_first()
    ada = await builder.person("ada")
    for _ in range(3):
        await builder.conversation(ada)
    if case == "pruned":
        await access_changes.prune_access_changes(builder.db, 1)
    await process.access.poll()

    assert process.access.gap_detected
    assert process.received[0] is None
    process.access.gap_detected = False
    await process.access.poll()
    assert not process.access.gap_detected


async def test_numbers_of_a_log_that_was_replaced_do_not_count(builder: DatabaseBuilder) -> None:
    """After a restore, a removal has a lower number than a change that was applied before."""
    process = Process(builder, last_number=9)
    user_id = process.harness.subscriber().identity.user_id
    process.access.apply(AccessChange("added", user_id, None, CONVERSATION_ID, 100))
    await process.access.poll()
    process.access.apply(removed(user_id, 51))

    assert process.received[1:] == [None, removed(user_id, 51)]


async def test_the_end_of_a_session_closes_its_streams(process: Process) -> None:
    """Other streams stay open; a caller who was authenticated a moment before is rejected."""
    own = process.harness.subscriber()
    other = process.harness.subscriber()
    identity = own.identity
    for _ in range(2):
        process.access.apply(AccessChange("session_ended", identity.user_id, identity.session_id))

    assert is_closing(own)
    assert not is_closing(other)
    with pytest.raises(NotSignedIn):
        process.access.reject_if_ended(identity.session_id, 0)
    process.access.reject_if_ended(other.identity.session_id, 0)
    process.clock.advance(61)
    await process.access.poll()
    process.access.reject_if_ended(identity.session_id, 0)


async def test_a_password_change_closes_the_streams_of_older_tokens(process: Process) -> None:
    """They may reconnect; streams that were opened with the new token stay open."""
    old = process.harness.subscriber()
    identity = old.identity
    user_id, session_id = identity.user_id, identity.session_id
    new = process.harness.subscriber(user_id, session_id=session_id, generation=1)
    change = AccessChange("password_changed", user_id, session_id, event_number=1)
    for _ in range(2):
        process.access.apply(change)

    assert old.close_frame is not None
    assert old.close_frame.startswith(b"retry: ")
    assert b'"password_changed"' in old.close_frame
    assert not is_closing(new)
    with pytest.raises(NotSignedIn):
        process.access.reject_if_ended(session_id, 0)
    process.access.reject_if_ended(session_id, 1)


async def test_streams_of_a_disabled_account_close_with_a_reason(process: Process) -> None:
    """The client can tell it from the end of a session."""
    subscriber = process.harness.subscriber()
    identity = subscriber.identity
    process.access.apply(AccessChange("disabled", identity.user_id, identity.session_id))

    assert b'"reason":"disabled"' in (subscriber.close_frame or b"")


async def test_a_removal_waits_for_its_event(process: Process) -> None:
    """The stream ends in order if the event arrives soon, and without the event otherwise."""
    in_time = process.harness.subscriber()
    late = process.harness.subscriber()
    process.harness.channel.start(0)
    process.access.apply(removed(in_time.identity.user_id, 1))
    process.access.apply(removed(late.identity.user_id, 2))
    process.access.close_overdue_removals()
    assert not is_closing(in_time)
    assert not is_closing(late)
    process.hub.publish(CONVERSATION_ID, [membership(1, in_time.identity.user_id, "removed")])
    assert is_closing(in_time)
    assert not is_closing(late)
    process.clock.advance(0.3)
    process.access.close_overdue_removals()

    assert is_closing(late)


async def test_an_old_removal_does_not_close_a_newer_stream(process: Process) -> None:
    """Neither when the change arrives nor when its event is overdue."""
    subscriber = process.harness.subscriber()
    user_id = subscriber.identity.user_id
    subscriber.subscriptions[0].authorize(7)
    process.access.apply(removed(user_id, 6))
    process.clock.advance(1)
    process.access.close_overdue_removals()
    process.harness.channel.start(7)
    process.access.apply(removed(user_id, 7))

    assert not is_closing(subscriber)


async def test_outdated_changes_of_a_membership_are_ignored(process: Process) -> None:
    """A change that a message brought already is not applied again when the log has it."""
    user_id = uuid4()
    added = AccessChange("added", user_id, None, CONVERSATION_ID, 5)
    removal = removed(user_id, 7)
    added_again = AccessChange("added", user_id, None, CONVERSATION_ID, 8)
    for change in (removal, added, removal, added_again):
        process.access.apply(change)

    assert [change.event_number for change in process.received if change] == [7, 8]


async def test_log_bounds_are_newer_than_the_removal_before_them(
    builder: DatabaseBuilder,
) -> None:
    """A stream that opens after a user was added again is not affected by the earlier removal."""
    ada = await builder.person("ada")
    bob = await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    now = builder.now
    await participants.remove_participant(builder.db, ada, conversation_id, bob, now)
    await participants.add_participant(builder.db, ada, conversation_id, bob, "member", now)
    changes = (await access_changes.read_access_changes(builder.db, 0, 10)).changes
    removal = next(change for change in changes if change.kind == "removed")

    assert (await builder.log_bounds(bob, conversation_id)).position > removal.event_number
