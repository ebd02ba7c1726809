"""The periodic tasks of a server process, with their intervals.

What runs them is `services.background`.
"""

from rustygpt_server.app.realtime_components import RealtimeComponents
from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.manager import AnswerManager
from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.db.database import Database
from rustygpt_server.realtime.backplane_handler import BackplaneHandler
from rustygpt_server.realtime.position_check import PositionCheck
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.background import PeriodicTask
from rustygpt_server.services.container import Services
from rustygpt_server.services.event_log import prune_events
from rustygpt_server.services.stream_revalidation import StreamRevalidator
from rustygpt_server.services.unread import UnreadCounter
from rustygpt_shared.settings import Persistence


def answer_tasks(
    limits: TimeLimits, answer_manager: AnswerManager, catalog: Catalog
) -> list[PeriodicTask]:
    """Return the tasks that list models, keep answers' leases and stop cancelled answers."""
    return [
        PeriodicTask(
            "renew leases", limits.lease_renewal, answer_manager.renew_leases_and_fail_orphans
        ),
        PeriodicTask("stop cancelled answers", limits.cancel_check, answer_manager.stop_cancelled),
        PeriodicTask("list models", limits.model_refresh, catalog.refresh),
    ]


def delivery_tasks(
    limits: TimeLimits,
    realtime: RealtimeComponents,
    position_check: PositionCheck,
    backplane_handler: BackplaneHandler,
    unread: UnreadCounter,
) -> list[PeriodicTask]:
    """Return the tasks that send keepalives, compare positions, and free memory."""

    async def send_keepalives() -> None:
        realtime.subscribers.tick()

    async def evict_idle() -> None:
        realtime.channels.evict_idle()
        unread.evict_idle()
        backplane_handler.expire_answers()

    return [
        PeriodicTask("send keepalives", realtime.subscribers.tick_seconds, send_keepalives),
        PeriodicTask("compare positions", limits.backplane_check, position_check.check_if_due),
        PeriodicTask(
            "find unconfirmed writes", limits.log_retry, position_check.check_if_unconfirmed
        ),
        PeriodicTask("evict idle conversations", limits.ring_idle, evict_idle),
    ]


def authorization_tasks(
    limits: TimeLimits, revalidator: StreamRevalidator, access: AccessMonitor, services: Services
) -> list[PeriodicTask]:
    """Return the tasks that end sessions and the streams that lost their authorization.

    Also those that keep the rate limits up to date.
    """
    return [
        PeriodicTask("close due streams", limits.stream_sweep, revalidator.close_due),
        PeriodicTask("revalidate streams", limits.session_check, revalidator.revalidate_streams),
        PeriodicTask("poll access changes", limits.access_poll, revalidator.poll_access_changes),
        PeriodicTask("load rate limits", limits.access_poll, services.rate_limits.load_if_due),
        PeriodicTask("prune rate limits", limits.prune_interval, services.rate_limits.prune),
        PeriodicTask("prune access changes", limits.prune_interval, access.prune),
        PeriodicTask("prune sessions", limits.prune_interval, services.sessions.prune),
        PeriodicTask("prune tokens", limits.prune_interval, services.tokens.prune),
        PeriodicTask("prune invites", limits.prune_interval, services.invites.prune),
        PeriodicTask("prune sign-ins", limits.prune_interval, services.oauth.prune),
        PeriodicTask("prune devices", limits.prune_interval, services.device_logins.prune),
        PeriodicTask("count sessions", limits.gauge_interval, services.sessions.count_active),
    ]


def service_tasks(
    limits: TimeLimits, services: Services, db: Database, persistence: Persistence, clock: Clock
) -> list[PeriodicTask]:
    """Return the tasks that index messages, publish presence, prune the log, and sample gauges."""

    async def prune() -> None:
        await prune_events(db, persistence, clock)

    return [
        PeriodicTask("prune events", limits.prune_interval, prune),
        PeriodicTask("prune the audit log", limits.prune_interval, services.audit.prune),
        PeriodicTask("apply retention", limits.prune_interval, services.retention.apply),
        PeriodicTask("expire imports", limits.prune_interval, services.imports.expire),
        PeriodicTask("purge conversations", limits.prune_interval, services.conversations.purge),
        PeriodicTask("index messages", limits.search_fill, services.search.fill),
        PeriodicTask("sample gauges", limits.backplane_check, services.health.sample),
        PeriodicTask("refresh presence", limits.presence_check, services.presence.refresh),
        PeriodicTask("clear typing", limits.presence_check, services.typing.clear_expired),
    ]
