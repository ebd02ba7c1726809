"""The parts of a server, put together; how they are served is the business of `run`."""

import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from rustygpt_server import assets
from rustygpt_server.api.caller import Door
from rustygpt_server.app.config import Config
from rustygpt_server.app.lines import backplane_of
from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.demo import DemoProvider
from rustygpt_server.assistant.desk import Desk
from rustygpt_server.assistant.generation import Writer
from rustygpt_server.assistant.openai import OpenAIProvider
from rustygpt_server.assistant.provider import Provider
from rustygpt_server.db import bootstrap, sessions
from rustygpt_server.db.database import Database
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.relay import Doors, Relay
from rustygpt_server.services.accounts import Accounts
from rustygpt_server.services.bundle import Services
from rustygpt_server.services.conversations import Conversations
from rustygpt_server.services.feeds import DatabaseLog, Feeds
from rustygpt_server.services.health import Health
from rustygpt_server.services.markdown import Markdown
from rustygpt_server.services.memberships import Memberships
from rustygpt_server.services.messages import Messages
from rustygpt_server.services.passwords import Passwords
from rustygpt_server.services.presence import Presence
from rustygpt_server.services.rights import Rights
from rustygpt_server.services.sessions import Sessions
from rustygpt_server.services.threads import Threads
from rustygpt_server.services.typists import Typists
from rustygpt_server.services.unread import Unread
from rustygpt_server.services.upkeep import Upkeep
from rustygpt_shared.settings import Provider as ProviderSettings


@dataclass(frozen=True)
class Parts:
    """A server's parts."""

    config: Config
    hub: Hub
    catalog: Catalog
    desk: Desk
    services: Services
    door: Door
    relay: Relay
    upkeep: Upkeep
    page: Path
    is_setup: bool


@asynccontextmanager
async def build_parts(config: Config) -> AsyncIterator[Parts]:
    """Connect, build, and in the end let go in the opposite order."""
    settings = config.settings
    db = await Database.connect(
        config.pool_url,
        user=config.pool_login.user,
        password=config.pool_login.password,
        size=settings.db.max_connections,
        statement_timeout_ms=settings.db.statement_timeout_ms,
        logs_events=settings.sse.persistence.enabled,
    )
    passwords = Passwords()
    catalog = Catalog(settings.llm, _maker(config), config.environ, config.limits)
    runner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    try:
        secret = await sessions.secret(db)
        async with backplane_of(config, runner, secret) as backplane:
            parts = await _assemble(config, db, passwords, catalog, backplane, runner, secret)
            await backplane.start(parts.relay)
            yield parts
    finally:
        await catalog.close()
        passwords.close()
        await db.close()


async def _assemble(
    config: Config,
    db: Database,
    passwords: Passwords,
    catalog: Catalog,
    backplane: Backplane,
    runner: str,
    secret: bytes,
) -> Parts:
    settings, limits, clock = config.settings, config.limits, config.clock
    hub = Hub(DatabaseLog(db), settings.sse, limits, clock, config.metrics, backplane)
    desk = _desk(config, db, hub, catalog, runner)
    rights = Rights(db, hub, limits, clock)
    await rights.poll()
    unread = Unread(db, hub, limits, clock)
    services = _services(config, db, hub, desk, rights, unread, passwords, secret)
    relay = Relay(hub, clock, _doors(desk, unread, rights, services))
    upkeep = Upkeep(db, hub, desk, services.feeds, unread, relay, limits, clock)
    upkeep.add(limits.line_check, services.health.sample)
    upkeep.add(limits.presence_check, services.presence.keep_up)
    upkeep.add(limits.presence_check, services.typists.end_expired)
    return Parts(
        config=config,
        hub=hub,
        catalog=catalog,
        desk=desk,
        services=services,
        door=Door(settings, services.sessions, clock),
        relay=relay,
        upkeep=upkeep,
        page=Path(settings.web.static_dir or assets.web_folder()),
        is_setup=await services.accounts.is_setup(),
    )


def _doors(desk: Desk, unread: Unread, rights: Rights, services: Services) -> Doors:
    """Who is told what other processes say."""
    typists, presence = services.typists, services.presence

    def say_again(message_id: UUID | None) -> None:
        desk.say_again(message_id)
        if message_id is None:
            typists.say_again()

    return Doors(
        cancel=desk.cancel,
        say_again=say_again,
        marked=unread.marked,
        control=rights.act,
        beat=presence.heard,
        typing=typists.heard,
        missed=presence.missed,
    )


def _desk(config: Config, db: Database, hub: Hub, catalog: Catalog, runner: str) -> Desk:
    limits, clock = config.limits, config.clock
    writer = Writer(db, catalog, config.settings.llm, limits, clock, config.metrics, runner)
    return Desk(db, hub, catalog, writer, limits, clock, runner)


def _services(
    config: Config,
    db: Database,
    hub: Hub,
    desk: Desk,
    rights: Rights,
    unread: Unread,
    passwords: Passwords,
    secret: bytes,
) -> Services:
    clock, limits, metrics, sql = config.clock, config.limits, config.metrics, assets.sql_folder()
    settings = config.settings
    session = settings.auth.session
    memberships = Memberships(db, hub, rights, limits, clock)
    typists = Typists(db, hub, limits, clock)
    presence = Presence(db, hub, typists, limits, clock)
    return Services(
        accounts=Accounts(db, passwords, rights, presence, clock, config.setup_token),
        sessions=Sessions(db, rights, passwords, session, limits, clock, metrics, secret),
        conversations=Conversations(db, hub, rights, presence, clock),
        threads=Threads(db, unread),
        messages=Messages(db, hub, desk, typists, clock, metrics),
        presence=presence,
        typists=typists,
        feeds=Feeds(db, hub, rights, memberships, settings.sse, clock, session.idle_seconds),
        health=Health(db, hub, metrics, lambda: bootstrap.missing(db, sql)),
        markdown=Markdown(),
    )


def _maker(config: Config) -> Callable[[ProviderSettings], Provider]:
    """What makes a provider of the kind that its settings name."""

    def make(settings: ProviderSettings) -> Provider:
        if settings.kind == "demo":
            return DemoProvider(config.clock)
        idle = config.settings.llm.idle_timeout_seconds
        return OpenAIProvider(settings, idle, config.limits)

    return make
