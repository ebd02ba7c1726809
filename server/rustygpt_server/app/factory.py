"""The Sanic application: which routes there are, and what is handed to them."""

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
    web_page,
)
from rustygpt_server.api.middleware import RequestMiddleware
from rustygpt_server.api.routing import RouteGroup
from rustygpt_server.app.components import Components
from rustygpt_server.errors import StartupError
from rustygpt_shared.settings import Features, Settings

KEEP_ALIVE_SECONDS = 75
REQUEST_SECONDS = 30
RESPONSE_SECONDS = 60


def route_groups(features: Features) -> list[RouteGroup]:
    """The areas that the feature flags leave on."""
    areas = [health.make_area()]
    if features.auth_v1:
        modules = (sessions, users, conversations, messages, presence)
        areas += [module.make_area() for module in modules]
    if features.auth_v1 and features.sse_v1:
        areas.append(stream.make_area())
    return areas


def create_app(components: Components) -> Sanic[Any, Any]:
    """An application that serves these parts; several may live in one process."""
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
    # sanic-ext stays out without a word when something that it imports is missing.
    if getattr(app, "_ext", None) is None:
        raise StartupError("sanic-ext did not load; install rustygpt[server] again.")
    app.ext.dependency(components.services)
    app.ext.dependency(components.authenticator)
    for area in route_groups(settings.features):
        app.blueprint(area.blueprint)
    app.blueprint(web_page.make_blueprint(components.web_folder))
    RequestMiddleware(settings, components.authenticator, components.context.runtime).install(app)
    return app


def _configure(app: Sanic[Any, Any], settings: Settings) -> None:
    app.config.REQUEST_MAX_SIZE = settings.server.body_limit_bytes
    app.config.REQUEST_TIMEOUT = REQUEST_SECONDS
    # For streams this is a limit on silence: heartbeats have to come well before it.
    app.config.RESPONSE_TIMEOUT = max(RESPONSE_SECONDS, 3 * settings.sse.heartbeat_seconds)
    app.config.KEEP_ALIVE_TIMEOUT = KEEP_ALIVE_SECONDS
    app.config.ACCESS_LOG = False
    app.config.MOTD = False
    app.config.FALLBACK_ERROR_FORMAT = "json"
