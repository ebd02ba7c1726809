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
from rustygpt_server.api.authentication import Authenticator
from rustygpt_server.app.backplane_factory import open_backplane
from rustygpt_server.app.context import ServerContext
from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.demo import DemoProvider
from rustygpt_server.assistant.generation import AnswerGenerator
from rustygpt_server.assistant.manager import AnswerManager
from rustygpt_server.assistant.openai import OpenAIProvider
from rustygpt_server.assistant.provider import Provider
from rustygpt_server.db import bootstrap, sessions
from rustygpt_server.db.database import Database
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_handler import BackplaneHandler, Handlers
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.accounts import Accounts
from rustygpt_server.services.background import BackgroundTasks
from rustygpt_server.services.container import Services
from rustygpt_server.services.conversations import Conversations
from rustygpt_server.services.health import Health
from rustygpt_server.services.markdown import Markdown
from rustygpt_server.services.memberships import Memberships
from rustygpt_server.services.messages import Messages
from rustygpt_server.services.passwords import Passwords
from rustygpt_server.services.presence import PresenceService
from rustygpt_server.services.sessions import Sessions
from rustygpt_server.services.streams import DatabaseEventLog, StreamService
from rustygpt_server.services.threads import Threads
from rustygpt_server.services.typing_status import TypingService
from rustygpt_server.services.unread import UnreadCounter
from rustygpt_shared.settings import Provider as ProviderSettings


@dataclass(frozen=True)
class Components:
    """A server's parts."""

    context: ServerContext
    hub: Hub
    catalog: Catalog
    answer_manager: AnswerManager
    services: Services
    authenticator: Authenticator
    backplane_handler: BackplaneHandler
    background: BackgroundTasks
    web_folder: Path
    is_setup: bool


@asynccontextmanager
async def build_components(context: ServerContext) -> AsyncIterator[Components]:
    """Connect, build, and in the end let go in the opposite order."""
    settings, runtime = context.settings, context.runtime
    db = await Database.connect(
        context.pool_url,
        user=context.pool_login.user,
        password=context.pool_login.password,
        size=settings.db.max_connections,
        statement_timeout_ms=settings.db.statement_timeout_ms,
        persist_events=settings.sse.persistence.enabled,
    )
    passwords = Passwords()
    catalog = Catalog(settings.llm, _provider_factory(context), context.environ, runtime.limits)
    instance_id = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    try:
        secret = await sessions.token_secret(db)
        async with open_backplane(context, instance_id, secret) as backplane:
            components = await _wire(
                context, db, passwords, catalog, backplane, instance_id, secret
            )
            await backplane.start(components.backplane_handler)
            yield components
    finally:
        await catalog.close()
        passwords.close()
        await db.close()


async def _wire(
    context: ServerContext,
    db: Database,
    passwords: Passwords,
    catalog: Catalog,
    backplane: Backplane,
    instance_id: str,
    secret: bytes,
) -> Components:
    settings, runtime = context.settings, context.runtime
    hub = Hub(DatabaseEventLog(db), settings.sse, runtime, backplane)
    answer_manager = _answer_manager(context, db, hub, catalog, instance_id)
    access = AccessMonitor(db, hub, runtime)
    await access.poll()
    unread = UnreadCounter(db, hub, runtime)
    services = _services(context, db, hub, answer_manager, access, unread, passwords, secret)
    backplane_handler = BackplaneHandler(
        hub, runtime.clock, _backplane_handlers(answer_manager, unread, access, services)
    )
    background = BackgroundTasks(
        db, hub, answer_manager, services.streams, unread, backplane_handler, runtime
    )
    background.add(runtime.limits.backplane_check, services.health.sample)
    background.add(runtime.limits.presence_check, services.presence.refresh)
    background.add(runtime.limits.presence_check, services.typing.clear_expired)
    return Components(
        context=context,
        hub=hub,
        catalog=catalog,
        answer_manager=answer_manager,
        services=services,
        authenticator=Authenticator(settings, services.sessions, runtime.clock),
        backplane_handler=backplane_handler,
        background=background,
        web_folder=Path(settings.web.static_dir or assets.web_folder()),
        is_setup=await services.accounts.is_setup(),
    )


def _backplane_handlers(
    answer_manager: AnswerManager, unread: UnreadCounter, access: AccessMonitor, services: Services
) -> Handlers:
    """Who is told what other processes say."""
    typing, presence = services.typing, services.presence

    def republish(message_id: UUID | None) -> None:
        answer_manager.republish(message_id)
        if message_id is None:
            typing.republish()

    return Handlers(
        on_cancel=answer_manager.cancel,
        on_resend=republish,
        on_read_marker=unread.on_marker_moved,
        on_access_change=access.apply,
        on_heartbeat=presence.on_heartbeat,
        on_typing=typing.on_typing,
        on_gap=presence.mark_incomplete,
    )


def _answer_manager(
    context: ServerContext, db: Database, hub: Hub, catalog: Catalog, instance_id: str
) -> AnswerManager:
    runtime = context.runtime
    generator = AnswerGenerator(db, catalog, context.settings.llm, runtime, instance_id)
    return AnswerManager(db, hub, catalog, generator, runtime, instance_id)


def _services(
    context: ServerContext,
    db: Database,
    hub: Hub,
    answer_manager: AnswerManager,
    access: AccessMonitor,
    unread: UnreadCounter,
    passwords: Passwords,
    secret: bytes,
) -> Services:
    settings, runtime = context.settings, context.runtime
    clock, sql = runtime.clock, assets.sql_folder()
    session = settings.auth.session
    memberships = Memberships(db, hub, access, runtime)
    typing = TypingService(db, hub, runtime)
    presence = PresenceService(db, hub, typing, runtime)
    return Services(
        accounts=Accounts(db, passwords, access, presence, clock, context.setup_token),
        sessions=Sessions(db, access, passwords, session, runtime, secret),
        conversations=Conversations(db, hub, access, presence, clock),
        threads=Threads(db, unread),
        messages=Messages(db, hub, answer_manager, typing, runtime),
        presence=presence,
        typing=typing,
        streams=StreamService(
            db, hub, access, memberships, settings.sse, clock, session.idle_seconds
        ),
        health=Health(db, hub, runtime.metrics, lambda: bootstrap.missing_scripts(db, sql)),
        markdown=Markdown(),
    )


def _provider_factory(context: ServerContext) -> Callable[[ProviderSettings], Provider]:
    """What makes a provider of the kind that its settings name."""

    def make_provider(settings: ProviderSettings) -> Provider:
        if settings.kind == "demo":
            return DemoProvider(context.runtime.clock)
        idle = context.settings.llm.idle_timeout_seconds
        return OpenAIProvider(settings, idle, context.runtime.limits)

    return make_provider
