"""One open stream: its end, and the subscriptions that its loop has to work on."""

from uuid import UUID

from tests.support.components.hub_harness import CONVERSATION_ID, HubHarness

from rustygpt_server.realtime.send_queue import Priority, QueuedFrame
from rustygpt_server.realtime.subscription import SubscriptionState

OTHER = UUID(int=8)


def test_a_closed_stream_queues_no_more_events() -> None:
    """Once its end was decided, only its last frame is left to send."""
    subscriber = HubHarness().subscriber()
    subscriber.close("removed")

    subscriber.send(QueuedFrame(Priority.DURABLE, b"x"))

    assert len(subscriber.send_queue) == 0
    assert subscriber.close_frame == (
        b'event: stream.closed\ndata: {"type":"stream.closed","payload":{"reason":"removed"}}\n\n'
    )


def test_the_first_close_reason_stays() -> None:
    """A stream that ends for one reason does not end for another."""
    subscriber = HubHarness().subscriber()
    subscriber.close("removed")

    subscriber.close("shutdown", retry_ms=5)

    assert b"removed" in (subscriber.close_frame or b"")


def test_the_last_frame_can_contain_a_reconnection_time() -> None:
    """At shutdown each client gets a time of its own."""
    subscriber = HubHarness().subscriber()

    subscriber.close("shutdown", retry_ms=700)

    assert (subscriber.close_frame or b"").startswith(b"retry: 700\nevent: stream.closed\n")


def test_pending_subscriptions_are_worked_on_in_order() -> None:
    """A subscription is pending until it has caught up, and again when it has to reset."""
    harness = HubHarness()
    subscriber = harness.subscriber(None, CONVERSATION_ID, OTHER)
    first, second = subscriber.subscriptions
    assert subscriber.next_pending() is None
    subscriber.start(first, 0)
    subscriber.start(second, 0)
    assert subscriber.next_pending() is first
    first.go_live()
    assert subscriber.next_pending() is second
    second.go_live()
    assert subscriber.next_pending() is None
    subscriber.request_reset(first, "trimmed")

    assert subscriber.next_pending() is first


def test_an_overflow_resets_only_subscriptions_that_lost_durable_events() -> None:
    """A closed one that lost the frame of its end has to announce the end again."""
    harness = HubHarness(capacity=8)
    subscriber = harness.subscriber(None, CONVERSATION_ID, OTHER, UUID(int=9))
    losing, untouched, closed = subscriber.subscriptions
    for subscription in list(subscriber.subscriptions):
        subscriber.start(subscription, 0)
        subscription.go_live()
    harness.hub.unsubscribe(subscriber, closed)
    subscriber.send(QueuedFrame(Priority.DURABLE, b"end"), subscription=closed)
    for _ in range(8):
        subscriber.send(QueuedFrame(Priority.DURABLE, b"d"), subscription=losing)

    assert losing.state is SubscriptionState.RESETTING
    assert untouched.state is SubscriptionState.LIVE
    assert closed.state is SubscriptionState.NOTICE_DUE
