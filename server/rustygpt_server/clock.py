"""The clock and the time limits of a server; both are injected, so that tests move time."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

from msgspec import Struct


class Clock(Protocol):
    """A source of time."""

    def now(self) -> datetime:
        """Return the time of day in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for measuring durations."""

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds."""


class SystemClock:
    """The operating system's clock."""

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds."""
        await asyncio.sleep(seconds)


class TimeLimits(Struct, frozen=True, kw_only=True):
    """Durations in seconds that are not settings."""

    rotation_grace: float = 30
    """How long a superseded session token remains valid."""
    session_check: float = 60
    """Interval at which sessions and memberships of open streams are checked again."""
    delta_interval: float = 0.03
    """Shortest time between two deltas of one answer."""
    chunk_interval: float = 1
    """Interval at which the text of an answer is stored."""
    lease: float = 15
    """Duration of an answer's lease; when it has expired, any process may end the answer."""
    lease_renewal: float = 5
    """Interval at which a process renews its leases and looks for expired ones."""
    prune_interval: float = 300
    """Interval at which old events are deleted."""
    ring_idle: float = 60
    """How long a conversation's recent events stay in memory without a subscriber."""
    gap_grace: float = 0.05
    """How long an event may be missing before it is read from the log."""
    unread_interval: float = 1
    """Shortest time between two unread counts of one user and thread."""
    access_poll: float = 1
    """Interval at which access changes of other processes are read from the database."""
    limits_reload: float = 60
    """Interval at which the rate limits are read from the database, whether they changed or not."""
    access_dedup_ttl: float = 60
    """How long an applied access change is remembered.

    Longer than requests and messages are in flight.
    """
    access_freshness: float = 2
    """How long after a complete poll cached sessions and memberships may be used."""
    cache_bypass: float = 30
    """How long no check of an account's tokens is cached while its password is changed.

    Longer than access_freshness and a statement of the database take.
    """
    auth_cache_ttl: float = 60
    """Longest time that a cached session or membership is used."""
    removal_grace: float = 0.3
    """How long the streams of a removed user wait for the event of the removal."""
    presence_away: float = 45
    """A user without a heartbeat for this long is shown as away."""
    presence_offline: float = 300
    """A user without a heartbeat for this long is shown as offline."""
    presence_check: float = 0.5
    """Interval at which changes of presence and expired typing indicators are published."""
    typing: float = 30
    """Longest time that a typing indicator is shown without being renewed."""
    typing_interval: float = 1
    """Shortest time between two renewals of a typing indicator that are published."""
    position_check: float = 5
    """Interval at which followed conversations are compared with the log, plus or minus a fifth."""
    backplane_check: float = 1
    """Interval at which the backplane's connection is checked."""
    listen_probe: float = 10
    """The listening connection is probed after this much silence."""
    listen_probe_timeout: float = 3
    """How long a probe may take."""
    remote_answer_ttl: float = 600
    """An answer of another process that has not grown for this long is forgotten."""
    shutdown_grace: float = 2.5
    """How long a shutdown waits for answers, then for streams, then for requests."""
    database_wait: float = 20
    """How long a start waits for a database that does not respond."""
    connect_timeout: float = 5
    """How long a model server may take to accept a connection."""
    discovery_timeout: float = 0.5
    """How long a model server that may run on this machine has to list its models."""
    model_listing: float = 10
    """How long a configured model server has to list its models."""
    queue_wait: float = 600
    """How long an answer may wait for its turn at a provider."""
    queue_report: float = 0.2
    """Shortest time between two reports of the positions in a queue."""
    model_refresh: float = 60
    """Interval at which model servers are asked for their models."""
    provider_timeout: float = 10
    """How long a sign-in provider may take to answer one request."""
    oauth_flow: float = 600
    """How long a person may take to sign in at a provider."""
    first_password: float = 600
    """How long after a sign-in by a provider an account may get its first password."""
    device_login: float = 600
    """How long a person may take to confirm the code of a device."""
    search_fill: float = 0.5
    """Interval at which the texts of new and changed messages are indexed for the search."""
    cancel_check: float = 1
    """Interval at which the database is queried for answers to cancel."""
    stream_sweep: float = 0.5
    """Interval at which streams past the end of their session, or past a removal, are closed."""
    log_retry: float = 0.5
    """How soon the log is read again after a write whose outcome is unknown."""
    peer_timeout: float = 30
    """A peer of a stream that acknowledges no data for this long has its connection closed."""
    ready_check: float = 2
    """How long the database may take to respond to a readiness check."""
    gauge_interval: float = 15
    """Interval at which live sessions are counted."""
