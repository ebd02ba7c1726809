"""The Sanic application: its routes, its configuration, and what is injected into handlers."""

import secrets
from typing import Any

from sanic import Sanic
from sanic_ext import Extend

from rustygpt_server.api import (
    conversations,
    health,
    messages,
    presence,
    sessions,
    stream,
    users,
)
from rustygpt_server.api.middleware import RequestMiddleware
from rustygpt_server.api.routing import RouteGroup
from rustygpt_server.api.web_page import WebPage
from rustygpt_server.app.components import Components
from rustygpt_server.errors import StartupError
from rustygpt_shared.settings import Features, Settings

KEEP_ALIVE_SECONDS = 75
REQUEST_SECONDS = 30
RESPONSE_SECONDS = 60


def route_groups(features: Features) -> list[RouteGroup]:
    """Return the groups of routes that the feature flags enable."""
    groups = [RouteGroup("health", health.OPERATIONS)]
    if features.auth_v1:
        groups += [
            RouteGroup("sessions", sessions.OPERATIONS),
            RouteGroup("users", users.OPERATIONS),
            RouteGroup("conversations", conversations.OPERATIONS),
            RouteGroup("messages", messages.OPERATIONS),
            RouteGroup("presence", presence.OPERATIONS),
        ]
    if features.auth_v1 and features.sse_v1:
        groups.append(RouteGroup("stream", stream.OPERATIONS))
    return groups


def create_app(components: Components) -> Sanic[Any, Any]:
    """Return an application that serves these components; a process may have several."""
    settings = components.context.settings
    app: Sanic[Any, Any] = Sanic(f"rustygpt-{secrets.token_hex(4)}", configure_logging=False)
    _configure(app, settings)
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
    app.ext.dependency(components.services)
    app.ext.dependency(components.authenticator)
    app.ext.dependency(components.context.runtime.limits)
    for group in route_groups(settings.features):
        app.blueprint(group.blueprint)
    app.blueprint(WebPage(components.web_folder).blueprint)
    RequestMiddleware(settings, components.authenticator, components.context.runtime).install(app)
    return app


def _configure(app: Sanic[Any, Any], settings: Settings) -> None:
    app.config.REQUEST_MAX_SIZE = settings.server.body_limit_bytes
    app.config.REQUEST_TIMEOUT = REQUEST_SECONDS
    # For a stream this limits silence, so it must be well above the heartbeat interval.
    app.config.RESPONSE_TIMEOUT = max(RESPONSE_SECONDS, 3 * settings.sse.heartbeat_seconds)
    app.config.KEEP_ALIVE_TIMEOUT = KEEP_ALIVE_SECONDS
    app.config.ACCESS_LOG = False
    app.config.MOTD = False
    app.config.FALLBACK_ERROR_FORMAT = "json"
