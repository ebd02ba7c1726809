"""The construction of the objects that deliver events to streams."""

from dataclasses import dataclass

from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.catchup import CatchUp, EventLog
from rustygpt_server.realtime.channels import Channels
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.registry import SubscriberRegistry
from rustygpt_server.realtime.remote import RemoteAnswers
from rustygpt_server.realtime.resume import SubscriptionStarter
from rustygpt_server.realtime.stream_loop import StreamLoop
from rustygpt_server.runtime import Runtime
from rustygpt_shared.settings import Sse


@dataclass(frozen=True)
class RealtimeComponents:
    """The objects that deliver events, connected with each other."""

    event_log: EventLog
    backplane: Backplane
    channels: Channels
    subscribers: SubscriberRegistry
    catch_up: CatchUp
    hub: Hub
    remote_answers: RemoteAnswers
    starter: SubscriptionStarter
    stream_loop: StreamLoop


def build_realtime(
    event_log: EventLog, settings: Sse, runtime: Runtime, backplane: Backplane
) -> RealtimeComponents:
    """Build the objects that deliver the events of a log."""
    persist_events = settings.persistence.enabled
    channels = Channels(runtime)
    subscribers = SubscriberRegistry(settings, runtime)
    # Without a log, events only come over the backplane, which may be slower than their positions.
    delivery_grace = 0 if persist_events else runtime.limits.log_retry
    catch_up = CatchUp(event_log, channels, runtime, delivery_grace)
    hub = Hub(channels, subscribers, catch_up, backplane, runtime, persist_events=persist_events)
    return RealtimeComponents(
        event_log=event_log,
        backplane=backplane,
        channels=channels,
        subscribers=subscribers,
        catch_up=catch_up,
        hub=hub,
        remote_answers=RemoteAnswers(hub, catch_up, backplane, runtime),
        starter=SubscriptionStarter(
            hub, channels, subscribers, catch_up, settings.max_backfill_events
        ),
        stream_loop=StreamLoop(hub, channels, event_log, runtime),
    )
