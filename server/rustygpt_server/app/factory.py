"""The Sanic application: its routes, its configuration, and what is injected into handlers."""

import secrets
from functools import partial
from typing import Any

from sanic import Sanic
from sanic_ext import Extend

from rustygpt_server.api import (
    audit,
    chat_completions,
    conversations,
    devices,
    documents,
    exports,
    health,
    imports,
    invites,
    message_changes,
    messages,
    models,
    oauth,
    presence,
    rate_limit_admin,
    search,
    sessions,
    stream,
    tokens,
    usage,
    users,
    well_known,
)
from rustygpt_server.api.body_admission import AdmittedRequest, BodyAdmission
from rustygpt_server.api.middleware import RequestMiddleware
from rustygpt_server.api.rate_limiting import RequestLimiter
from rustygpt_server.api.routing import RouteGroup
from rustygpt_server.api.web_page import WebPage
from rustygpt_server.app.components import Components
from rustygpt_server.app.connection_counter import ConnectionCounter
from rustygpt_server.errors import StartupError
from rustygpt_server.openapi.documents import write_documents
from rustygpt_shared.settings import Settings

KEEP_ALIVE_SECONDS = 75
REQUEST_SECONDS = 30
RESPONSE_SECONDS = 60


def route_groups(settings: Settings) -> list[RouteGroup]:
    """Return the groups of routes that the settings enable."""
    features = settings.features
    groups = [
        RouteGroup("health", health.OPERATIONS),
        RouteGroup("documents", documents.OPERATIONS),
    ]
    if features.auth_v1:
        groups += _account_groups()
    if features.auth_v1 and settings.rate_limits.admin_api_enabled:
        groups.append(RouteGroup("rate_limits", rate_limit_admin.OPERATIONS))
    if features.auth_v1 and features.sse_v1:
        groups.append(RouteGroup("stream", stream.OPERATIONS))
    if features.well_known:
        groups.append(RouteGroup("well_known", well_known.OPERATIONS))
    return groups


def _account_groups() -> list[RouteGroup]:
    """Return the groups of routes that need accounts, whatever else is enabled."""
    return [
        RouteGroup("sessions", sessions.OPERATIONS),
        RouteGroup("tokens", tokens.OPERATIONS),
        RouteGroup("oauth", oauth.OPERATIONS),
        RouteGroup("devices", devices.OPERATIONS),
        RouteGroup("users", users.OPERATIONS),
        RouteGroup("conversations", conversations.OPERATIONS),
        RouteGroup("exports", exports.OPERATIONS),
        RouteGroup("imports", imports.OPERATIONS),
        RouteGroup("invites", invites.OPERATIONS),
        RouteGroup("audit", audit.OPERATIONS),
        RouteGroup("messages", messages.OPERATIONS),
        RouteGroup("message_changes", message_changes.OPERATIONS),
        RouteGroup("models", models.OPERATIONS),
        RouteGroup("usage", usage.OPERATIONS),
        RouteGroup("chat_completions", chat_completions.OPERATIONS),
        RouteGroup("search", search.OPERATIONS),
        RouteGroup("presence", presence.OPERATIONS),
    ]


def create_app(components: Components) -> Sanic[Any, Any]:
    """Return an application that serves these components; a process may have several."""
    settings = components.context.settings
    app: Sanic[Any, Any] = Sanic(
        f"rustygpt-{secrets.token_hex(4)}", configure_logging=False, request_class=AdmittedRequest
    )
    app.ctx.connections = ConnectionCounter(settings.server)
    app.ctx.bodies = BodyAdmission(settings.server, components.authenticator)
    _configure(app, settings)
    _extend(app)
    limiter = RequestLimiter(components.services.rate_limits)
    time_limits = components.context.runtime.limits
    for injected in (components.services, components.authenticator, time_limits, limiter):
        app.ext.dependency(injected)
    groups = route_groups(settings)
    for group in groups:
        app.blueprint(group.blueprint)
    app.ctx.documents = documents.Documents(partial(write_documents, groups, settings))
    app.blueprint(WebPage(components.web_folder).blueprint)
    RequestMiddleware(
        settings, components.authenticator, limiter, components.context.runtime
    ).install(app)
    return app


def _extend(app: Sanic[Any, Any]) -> None:
    """Load sanic-ext, of which only the injection into handlers is used."""
    Extend(
        app,
        config={
            "OAS": False,
            "CORS": False,
            "HTTP_AUTO_HEAD": False,
            "HTTP_AUTO_OPTIONS": False,
            "HTTP_ALL_METHODS": False,
            "LOGGING": False,
            "HEALTH": False,
        },
    )
    # sanic-ext is not loaded, and reports nothing, when one of its imports fails.
    if getattr(app, "_ext", None) is None:
        raise StartupError("sanic-ext did not load; install rustygpt[server] again.")


def _configure(app: Sanic[Any, Any], settings: Settings) -> None:
    app.config.REQUEST_MAX_SIZE = settings.server.body_limit_bytes
    app.config.REQUEST_TIMEOUT = REQUEST_SECONDS
    # For a stream this limits silence, so it must be well above the heartbeat interval.
    app.config.RESPONSE_TIMEOUT = max(RESPONSE_SECONDS, 3 * settings.sse.heartbeat_seconds)
    app.config.KEEP_ALIVE_TIMEOUT = KEEP_ALIVE_SECONDS
    app.config.ACCESS_LOG = False
    app.config.MOTD = False
    app.config.FALLBACK_ERROR_FORMAT = "json"
