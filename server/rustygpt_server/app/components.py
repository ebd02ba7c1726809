"""The composition root of a server: every object that it consists of is built here.

How a server is served is in `run`, what it does periodically in `periodic_tasks`.
"""

import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from rustygpt_server import assets
from rustygpt_server.api.authentication import Authenticator
from rustygpt_server.app.backplane_factory import open_backplane
from rustygpt_server.app.context import ServerContext
from rustygpt_server.app.periodic_tasks import (
    answer_tasks,
    authorization_tasks,
    delivery_tasks,
    service_tasks,
)
from rustygpt_server.app.realtime_components import RealtimeComponents, build_realtime
from rustygpt_server.assistant.budget import TokenBudgets
from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.completions import CompletionGenerator
from rustygpt_server.assistant.demo import DemoProvider
from rustygpt_server.assistant.generation import AnswerGenerator
from rustygpt_server.assistant.llama import LlamaProvider
from rustygpt_server.assistant.manager import AnswerManager
from rustygpt_server.assistant.openai import OpenAIProvider
from rustygpt_server.assistant.provider import Provider
from rustygpt_server.config import data_folder
from rustygpt_server.db import bootstrap, embedded, events, sessions
from rustygpt_server.db.database import Database
from rustygpt_server.db.events import RevokedStream, StreamKey
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_handler import BackplaneHandler, Handlers
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.position_check import PositionCheck
from rustygpt_server.rendering.pool import RenderPool
from rustygpt_server.rendering.renderer import Renderer
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.accounts import Accounts
from rustygpt_server.services.audit import AuditLog
from rustygpt_server.services.background import BackgroundTasks, PeriodicTask
from rustygpt_server.services.completions import Completions
from rustygpt_server.services.container import Services
from rustygpt_server.services.conversations import Conversations
from rustygpt_server.services.device_logins import DeviceLogins
from rustygpt_server.services.event_log import DatabaseEventLog
from rustygpt_server.services.exports import Exports
from rustygpt_server.services.health import Health
from rustygpt_server.services.identities import Identities
from rustygpt_server.services.imports import Imports
from rustygpt_server.services.invites import Invites
from rustygpt_server.services.memberships import Memberships
from rustygpt_server.services.messages import Messages
from rustygpt_server.services.models import Models
from rustygpt_server.services.oauth.flows import OAuthFlows
from rustygpt_server.services.passwords import Passwords
from rustygpt_server.services.presence import PresenceService
from rustygpt_server.services.rate_limits import RateLimits
from rustygpt_server.services.registration import Registration
from rustygpt_server.services.retention import RetentionService
from rustygpt_server.services.search import Search
from rustygpt_server.services.sessions import Sessions
from rustygpt_server.services.stored_completions import StoredCompletions
from rustygpt_server.services.stream_revalidation import StreamRevalidator
from rustygpt_server.services.streams import StreamService
from rustygpt_server.services.threads import Threads
from rustygpt_server.services.tokens import Tokens
from rustygpt_server.services.typing_status import TypingService
from rustygpt_server.services.unread import UnreadCounter
from rustygpt_server.services.usage import UsageService
from rustygpt_server.services.well_known import WellKnownFiles
from rustygpt_shared.settings import Provider as ProviderSettings


@dataclass(frozen=True)
class Components:
    """The objects that make up a server, connected with each other."""

    context: ServerContext
    db: Database
    realtime: RealtimeComponents
    catalog: Catalog
    answer_manager: AnswerManager
    access: AccessMonitor
    memberships: Memberships
    unread: UnreadCounter
    services: Services
    stream_revalidator: StreamRevalidator
    authenticator: Authenticator
    backplane_handler: BackplaneHandler
    position_check: PositionCheck
    background: BackgroundTasks
    web_folder: Path
    is_setup: bool

    @property
    def hub(self) -> Hub:
        """The hub of this process."""
        return self.realtime.hub


@asynccontextmanager
async def build_components(context: ServerContext) -> AsyncIterator[Components]:
    """Connect to the database and build a server; disconnect in the opposite order at the end."""
    settings = context.settings
    db = await Database.connect(
        context.pool_url,
        user=context.pool_login.user,
        password=context.pool_login.password,
        size=settings.db.max_connections,
        statement_timeout_ms=settings.db.statement_timeout_ms,
        persist_events=settings.sse.persistence.enabled,
    )
    passwords = Passwords(context.hash_cost)
    renderer = Renderer(RenderPool(), context.runtime.clock, context.runtime.metrics)
    catalog = Catalog(
        settings.llm, _provider_factory(context), context.environ, context.runtime.limits
    )
    instance_id = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    try:
        secret = await sessions.token_secret(db)
        async with open_backplane(context, instance_id, secret) as backplane:
            core = await _build_core(context, db, catalog, backplane, instance_id)
            components = await _wire(core, _services(core, passwords, renderer, secret))
            await components.services.search.set_language()
            async with components.services.rate_limits, aclosing(components.services.oauth):
                await backplane.start(components.backplane_handler)
                yield components
    finally:
        await catalog.close()
        passwords.close()
        await renderer.close()
        await db.close()


@dataclass(frozen=True)
class _Core:
    """The objects that services are built on."""

    context: ServerContext
    db: Database
    realtime: RealtimeComponents
    catalog: Catalog
    answer_manager: AnswerManager
    completion_generator: CompletionGenerator
    access: AccessMonitor
    memberships: Memberships
    unread: UnreadCounter


async def _build_core(
    context: ServerContext,
    db: Database,
    catalog: Catalog,
    backplane: Backplane,
    instance_id: str,
) -> _Core:
    settings = context.settings
    runtime = context.runtime
    realtime = build_realtime(DatabaseEventLog(db), settings.sse, runtime, backplane)
    hub = realtime.hub
    generator = AnswerGenerator(db, catalog, settings.llm, runtime, instance_id)
    access = AccessMonitor(db, hub, realtime.catch_up, backplane, runtime)
    await access.poll()
    return _Core(
        context=context,
        db=db,
        realtime=realtime,
        catalog=catalog,
        answer_manager=AnswerManager(db, hub, backplane, catalog, generator, runtime, instance_id),
        completion_generator=CompletionGenerator(catalog, settings.llm, runtime),
        access=access,
        memberships=Memberships(db, hub, access, runtime),
        unread=UnreadCounter(db, hub, backplane, runtime),
    )


async def _wire(core: _Core, services: Services) -> Components:
    context = core.context
    realtime = core.realtime
    stream_revalidator = _stream_revalidator(core, services)
    backplane_handler = _backplane_handler(core, services)
    position_check = PositionCheck(core.db, backplane_handler, realtime.catch_up, context.runtime)
    tasks = [
        *_delivery_tasks(core, position_check, backplane_handler),
        *_service_tasks(core, services, stream_revalidator),
    ]
    return Components(
        context=context,
        db=core.db,
        realtime=realtime,
        catalog=core.catalog,
        answer_manager=core.answer_manager,
        access=core.access,
        memberships=core.memberships,
        unread=core.unread,
        services=services,
        stream_revalidator=stream_revalidator,
        authenticator=Authenticator(
            context.settings, services.sessions, services.tokens, context.runtime.clock
        ),
        backplane_handler=backplane_handler,
        position_check=position_check,
        background=BackgroundTasks(tasks, context.runtime.clock),
        web_folder=Path(context.settings.web.static_dir or assets.web_folder()),
        is_setup=await services.accounts.is_setup(),
    )


def _stream_revalidator(core: _Core, services: Services) -> StreamRevalidator:
    realtime = core.realtime
    clock = core.context.runtime.clock

    async def find_revoked(keys: list[StreamKey]) -> list[RevokedStream]:
        return await events.find_revoked_streams(core.db, keys, clock.now())

    return StreamRevalidator(
        realtime.hub,
        realtime.subscribers,
        realtime.starter,
        core.access,
        core.memberships,
        services.sessions,
        find_revoked,
    )


def _delivery_tasks(
    core: _Core, position_check: PositionCheck, backplane_handler: BackplaneHandler
) -> list[PeriodicTask]:
    limits = core.context.runtime.limits
    return delivery_tasks(limits, core.realtime, position_check, backplane_handler, core.unread)


def _service_tasks(
    core: _Core, services: Services, stream_revalidator: StreamRevalidator
) -> list[PeriodicTask]:
    runtime = core.context.runtime
    persistence = core.context.settings.sse.persistence
    return [
        *answer_tasks(runtime.limits, core.answer_manager, core.catalog),
        *authorization_tasks(runtime.limits, stream_revalidator, core.access, services),
        *service_tasks(runtime.limits, services, core.db, persistence, runtime.clock),
    ]


def _backplane_handler(core: _Core, services: Services) -> BackplaneHandler:
    """Build the handler that passes other processes' messages to services and the assistant."""

    def republish(message_id: UUID | None) -> None:
        core.answer_manager.republish(message_id)
        if message_id is None:
            services.typing.republish()

    handlers = Handlers(
        on_cancel=core.answer_manager.cancel,
        on_resend=republish,
        on_read_marker=core.unread.on_marker_moved,
        on_access_change=core.access.apply,
        on_heartbeat=services.presence.on_heartbeat,
        on_typing=services.typing.on_typing,
        on_gap=services.presence.mark_incomplete,
    )
    realtime = core.realtime
    return BackplaneHandler(
        realtime.hub, realtime.catch_up, realtime.backplane, realtime.remote_answers, handlers
    )


def _services(core: _Core, passwords: Passwords, renderer: Renderer, secret: bytes) -> Services:
    context = core.context
    runtime = context.runtime
    db, hub, access, clock = core.db, core.realtime.hub, core.access, runtime.clock
    typing, presence = _presence(core)
    auth = context.settings.auth
    accounts = Accounts(db, passwords, access, presence, clock, context.setup_token)
    sessions = Sessions(db, access, passwords, auth.session, runtime, secret)
    conversations = _conversations(core, presence)
    return Services(
        accounts=accounts,
        sessions=sessions,
        tokens=Tokens(db, access, runtime),
        invites=Invites(db, hub, access, clock),
        registration=Registration(db, hub, access, accounts, sessions, auth.registration, clock),
        **_sign_in_services(core, sessions, secret),
        conversations=conversations,
        **_archive_services(core, conversations),
        **_message_services(core, conversations, typing),
        rate_limits=RateLimits(db, access, context.settings.rate_limits, runtime),
        presence=presence,
        typing=typing,
        streams=_stream_service(core),
        health=_health(core),
        well_known=WellKnownFiles(context.settings, clock),
        renderer=renderer,
    )


def _message_services(
    core: _Core, conversations: Conversations, typing: TypingService
) -> dict[str, Any]:
    """Return the services of messages and of the models that answer them, by their names."""
    db, settings, runtime = core.db, core.context.settings, core.context.runtime
    daily_tokens = settings.llm.daily_token_budget
    threads = Threads(db, core.unread)
    messages = Messages(db, core.realtime.hub, core.answer_manager, core.catalog, typing, runtime)
    return {
        "threads": threads,
        "messages": messages,
        "models": Models(core.catalog),
        "usage": UsageService(db, daily_tokens, runtime.clock),
        "completions": Completions(
            db,
            core.completion_generator,
            TokenBudgets(db, daily_tokens, runtime.clock),
            settings,
            runtime,
        ),
        "stored_completions": StoredCompletions(
            conversations, threads, messages, core.answer_manager, runtime.clock
        ),
    }


def _archive_services(core: _Core, conversations: Conversations) -> dict[str, Any]:
    """Return the services of what is kept: finding, exporting, importing and deleting it."""
    db, clock, settings = core.db, core.context.runtime.clock, core.context.settings
    return {
        "search": Search(db, settings.search.language, clock),
        "exports": Exports(db, clock),
        "imports": Imports(db, core.access, core.catalog, clock, conversations.purge_soon),
        "audit": AuditLog(db, clock),
        "retention": RetentionService(db, core.realtime.hub, clock),
    }


def _presence(core: _Core) -> tuple[TypingService, PresenceService]:
    runtime, backplane = core.context.runtime, core.realtime.backplane
    typing = TypingService(core.db, core.realtime.hub, backplane, runtime)
    return typing, PresenceService(core.db, core.realtime.hub, backplane, typing, runtime)


def _sign_in_services(core: _Core, sessions: Sessions, secret: bytes) -> dict[str, Any]:
    """Return the services of those who sign in without typing a password, by their names."""
    db, hub, context = core.db, core.realtime.hub, core.context
    mode = context.settings.auth.registration
    identities = Identities(db, hub, core.access, sessions, mode, context.runtime)
    return {
        "identities": identities,
        "oauth": OAuthFlows(db, identities, context.settings, context.runtime, secret),
        "device_logins": DeviceLogins(db, sessions, context.runtime),
    }


def _conversations(core: _Core, presence: PresenceService) -> Conversations:
    return Conversations(
        core.db,
        core.realtime.hub,
        core.access,
        presence,
        core.catalog,
        core.answer_manager,
        core.context.runtime.clock,
    )


def _stream_service(core: _Core) -> StreamService:
    realtime = core.realtime
    return StreamService(
        core.db,
        realtime.hub,
        realtime.subscribers,
        realtime.starter,
        realtime.stream_loop,
        core.access,
        core.memberships,
    )


def _health(core: _Core) -> Health:
    sql = assets.sql_folder()
    return Health(
        core.db,
        core.realtime.backplane,
        core.realtime.subscribers,
        core.context.runtime,
        lambda: bootstrap.missing_scripts(core.db, sql),
        lambda: _has_space(core.context),
    )


def _has_space(context: ServerContext) -> bool:
    """Return False when the embedded PostgreSQL cannot write; a disk elsewhere is not known."""
    if context.settings.db.url:
        return True
    return embedded.has_space(data_folder(context.settings, context.environ))


def _provider_factory(context: ServerContext) -> Callable[[ProviderSettings], Provider]:
    """Return the function that builds a provider of the kind that its settings name."""
    loading = threading.Lock()

    def make_provider(settings: ProviderSettings) -> Provider:
        if settings.kind == "demo":
            return DemoProvider(context.runtime.clock)
        if settings.kind == "llama":
            return LlamaProvider(settings.path or "", loading)
        llm = context.settings.llm
        # The time limits of an answer come first: their errors say more.
        silence = max(llm.first_token_timeout_seconds, llm.idle_timeout_seconds) + 5
        return OpenAIProvider(settings, silence, context.runtime)

    return make_provider
