"""The one clock and the one struct of time limits; both are handed in, so that tests move time."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

from msgspec import Struct


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> datetime:
        """The time of day, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never jump, for measuring spans."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class TimeLimits(Struct, frozen=True, kw_only=True):
    """Spans that are no settings, in seconds."""

    rotation_grace: float = 30
    """How long a superseded session token goes on working."""
    session_check: float = 60
    """How often open streams' sessions and memberships are looked at again."""
    delta_interval: float = 0.03
    """At most one delta of an answer in so long."""
    chunk_interval: float = 1
    """How often the text of an answer is stored."""
    lease: float = 15
    """An answer whose process was silent for so long is another's to finish."""
    lease_renewal: float = 5
    """How often a process says that it lives, and looks for answers of dead ones."""
    prune_interval: float = 300
    """How often old events are pruned."""
    ring_idle: float = 60
    """How long a conversation's recent events stay in memory after its last reader left."""
    gap_grace: float = 0.05
    """How long an event may be missing before it is read from the log."""
    unread_interval: float = 1
    """At most one count of unread messages per reader and thread in so long."""
    access_poll: float = 1
    """How often it is read what other processes did to sessions, accounts and memberships."""
    access_dedup_ttl: float = 60
    """How long it is known what was heard: longer than requests and words are on their way."""
    access_freshness: float = 2
    """How long after that sessions and memberships may be known without the database."""
    auth_cache_ttl: float = 60
    """How long the database's answer about a session or a membership is used at most."""
    removal_grace: float = 0.3
    """How long a removed person's streams may wait for the event that tells of the removal."""
    presence_away: float = 45
    """Who was silent for so long is shown as away."""
    presence_offline: float = 300
    """Who was silent for so long is shown as offline."""
    presence_check: float = 0.5
    """How soon readers are told that somebody came or fell silent, or stopped writing."""
    typing: float = 30
    """The longest somebody is shown as writing without saying so again."""
    typing_interval: float = 1
    """Who goes on writing is told at most once in so long."""
    position_check: float = 5
    """How often followed conversations are compared with the log, give or take a fifth."""
    backplane_check: float = 1
    """How often it is looked whether other processes can be heard."""
    listen_probe: float = 10
    """After so much silence the listening connection is asked whether it lives."""
    listen_probe_timeout: float = 3
    """How long it may take to answer."""
    remote_answer_ttl: float = 600
    """Another process's answer that grew no more for so long is forgotten."""
    shutdown_grace: float = 2.5
    """How long shutting down waits for answers, then for streams, then for requests to end."""
    database_wait: float = 20
    """How long a start waits for a database that does not answer."""
    connect_timeout: float = 5
    """How long a model's server may take to accept a connection."""
    discovery_timeout: float = 0.5
    """How long a model server that may run on this machine has to list its models."""
    model_listing: float = 10
    """How long a model server that was named has to list its models."""
    cancel_check: float = 1
    """How often it is asked whether somebody asked another process to stop an answer."""
    stream_sweep: float = 0.5
    """How often it is looked whether streams are past the end of their session, or of a removal."""
    log_retry: float = 0.5
    """How soon the log is read again after the database may have kept what it did not say."""
    request: float = 30
    """How long a request may take to arrive, however its pieces come."""
    ready_check: float = 2
    """How long the database may take to answer a probe."""
    gauge_interval: float = 15
    """How often sessions are counted."""
