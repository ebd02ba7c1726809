"""Logging and metrics: structured log lines without secrets, and Prometheus series.

What is counted where is decided by the code that counts.
"""

import dataclasses
import logging
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any, Final

import structlog
from msgspec import Struct, structs
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from rustygpt_shared.settings import Logging

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client keeps the metrics of several processes; it is read at import."""

_SECRET_WORDS = ("password", "token", "secret", "cookie", "authorization", "api_key", "dsn", "url")
_MAX_DEPTH: Final = 8
"""Deeper parts of a value are left out of the log."""
_URL_LOGIN: Final = re.compile(r"://[^/\s@]*@")
_client_address: ContextVar[str | None] = ContextVar("client_address", default=None)
_client_key: ContextVar[str | None] = ContextVar("client_key", default=None)
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def set_up_logging(settings: Logging) -> None:
    """Send all log lines, those of libraries included, to standard error in one format."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _mask,
    ]
    structlog.configure(
        # A line below the log level must not be processed at all.
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = _handler(shared, _renderer(settings))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[settings.level])
    _quiet_libraries()


def _renderer(settings: Logging) -> Any:
    if settings.format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        pad_event_to=0,
        # The default formatter prints the values of local variables, passwords among them.
        exception_formatter=structlog.dev.plain_traceback,
    )


def _handler(shared: list[Any], last: Any) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _plain,
                last,
            ],
        )
    )
    return handler


def _quiet_libraries() -> None:
    for name in ("sanic", "sanic.root", "sanic.server", "sanic.error", "sanic.access"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
    for name, level in (
        ("sanic.root", 30),
        ("sanic.server", 30),
        ("sanic", 30),
        ("sanic.access", 40),
    ):
        logging.getLogger(name).setLevel(level)
    for name in ("httpx", "httpcore", "asyncio", "markdown_it"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _mask(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
    """Mask values whose names suggest a secret, so that a careless log call reveals nothing."""
    for key, value in line.items():
        if key != "exc_info":
            line[key] = "***" if key != "event" and _is_secret(key) else _masked(value)
    return line


def _is_secret(name: object) -> bool:
    return any(word in str(name).lower() for word in _SECRET_WORDS)


def _masked(value: Any, depth: int = _MAX_DEPTH) -> Any:
    """Return a value without the secrets that its names suggest, however deep they are."""
    if isinstance(value, str):
        return _URL_LOGIN.sub("://***@", value)
    fields = _fields(value)
    if fields is None and not isinstance(value, list | tuple | set | frozenset):
        return value
    if depth == 0:
        return "…"
    if fields is None:
        return [_masked(each, depth - 1) for each in value]
    return {
        name: "***" if _is_secret(name) else _masked(each, depth - 1)
        for name, each in fields.items()
    }


def _fields(value: Any) -> Mapping[Any, Any] | None:
    """Return what has names within a value: the entries of a mapping, the fields of a struct."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, Struct):
        return structs.asdict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None


def _plain(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape control characters: text of users must not start a new log line."""
    line["event"] = _escaped(str(line.get("event", "")), "")
    if "exception" in line:
        line["exception"] = _escaped(_masked(str(line["exception"])), "\n")
    return line


def _escaped(text: str, allowed: str) -> str:
    return "".join(c if c.isprintable() or c in allowed else repr(c)[1:-1] for c in text)


def log(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def bind_client(address: str, key: str) -> None:
    """Let the security events of this request name the client's address.

    `key` is the same for all addresses of one client.
    """
    _client_address.set(address)
    _client_key.set(key)


def client_address() -> str | None:
    """Return the address of this request's client; None outside of a request."""
    return _client_address.get()


def client_key() -> str | None:
    """Return what is the same for all addresses of this request's client; None outside of one."""
    return _client_key.get()


def log_security(event: str, *, refused: bool = False, **fields: object) -> None:
    """Log one line about who may do what: a refusal as a warning, with the client's address.

    Fields name accounts, never what was entered as a password or a name of no account.
    """
    logger = log("rustygpt_server.security")
    write = logger.warning if refused else logger.info
    write(event, address=_client_address.get(), **fields)


class Metrics:
    """All metrics of the server; labels are route templates and fixed words, never ids."""

    def __init__(self, folder: str | None = None) -> None:
        """Create the series.

        Those of several workers are merged in the folder of FOLDER_VARIABLE.
        """
        self._folder = folder
        disable_created_metrics()  # they would double the number of series
        self.registry = CollectorRegistry()
        self._http()
        self._database()
        self._sessions()
        self._streams()
        self._assistant()

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(name, help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(name, help_text, labels, registry=self.registry, multiprocess_mode="livesum")

    def _shared_gauge(self, name: str, help_text: str) -> Gauge:
        """Return a gauge that has the same value in every process."""
        return Gauge(name, help_text, registry=self.registry, multiprocess_mode="livemostrecent")

    def _histogram(self, name: str, help_text: str, *labels: str) -> Histogram:
        return Histogram(name, help_text, labels, registry=self.registry)

    def report(self) -> bytes:
        """Return all metrics in the Prometheus text format, those of all workers together."""
        registry = self.registry
        if self._folder:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, self._folder)
        return generate_latest(registry)

    def count_scripts(self, scripts: Iterable[tuple[str, str, float]]) -> None:
        """Count the results of the bootstrap: stage, status and seconds of each script."""
        for stage, status, seconds in scripts:
            self.scripts.labels(stage, status).inc()
            self.script_durations.labels(stage).observe(seconds)

    def count_tokens(self, model: str, prompt: int, completion: int) -> None:
        """Count the tokens of an answer; `model` is a label, not any text of a user."""
        self.tokens.labels(model, "prompt").inc(prompt)
        self.tokens.labels(model, "completion").inc(completion)

    def _http(self) -> None:
        self.requests = self._counter(
            "http_requests_total", "Answered requests", "method", "route", "status"
        )
        self.durations = self._histogram(
            "http_request_duration_seconds", "Time to the response", "method", "route"
        )
        self.health = self._counter(
            "health_checks_total", "Health checks answered", "endpoint", "status"
        )

        self.renderings = self._counter(
            "rustygpt_renderings_total", "Messages rendered as HTML", "result"
        )
        self.rate_limited_requests = self._counter(
            "http_rate_limit_requests_total", "Requests counted by limits", "profile", "result"
        )
        self.limit_profiles = self._shared_gauge(
            "rustygpt_limits_profiles", "Profiles of rate limits"
        )
        self.limit_assignments = self._shared_gauge(
            "rustygpt_limits_assignments", "Assignments of profiles to routes"
        )

    def _database(self) -> None:
        self.scripts = self._counter(
            "db_bootstrap_scripts_total", "SQL files checked", "stage", "status"
        )
        self.script_durations = self._histogram(
            "db_bootstrap_script_duration_seconds", "Time of one SQL file", "stage"
        )
        self.pool_max = self._gauge("db_pool_max_connections", "Size of the connection pool")
        self.pool_in_use = self._gauge("db_pool_in_use", "Connections in use")

    def _sessions(self) -> None:
        self.logins = self._counter("rustygpt_auth_logins_total", "Logins", "result")
        self.active_sessions = self._shared_gauge("rustygpt_auth_active_sessions", "Sessions alive")
        self.session_rotations = self._counter(
            "rustygpt_auth_session_rotations_total", "New session tokens", "reason"
        )

    def _streams(self) -> None:
        self.connections = self._gauge("rustygpt_sse_connections", "Open streams")
        self.events = self._counter("rustygpt_sse_events_total", "Events published", "type")
        self.deliveries = self._counter(
            "rustygpt_sse_deliveries_total", "Events sent to subscribers"
        )
        self.dropped = self._counter("rustygpt_sse_dropped_total", "Events not delivered", "kind")
        self.slow_readers = self._counter(
            "rustygpt_sse_slow_readers_total", "Queues that grew to the warning length"
        )
        self.resets = self._counter("rustygpt_sse_resets_total", "Resets sent", "reason")
        self.replayed = self._counter("rustygpt_sse_replay_events_total", "Events sent again")
        self.replay_durations = self._histogram(
            "rustygpt_sse_replay_duration_seconds", "Time to read a page of missed events"
        )

        self.backplane_up = self._gauge(
            "rustygpt_backplane_up", "Processes connected to the others"
        )
        self.packets = self._counter(
            "rustygpt_backplane_packets_total", "Packets between processes", "direction"
        )

    def _assistant(self) -> None:
        self.cancels = self._counter("rustygpt_stream_cancels_total", "Answers cancelled by users")
        self.timeouts = self._counter(
            "rustygpt_stream_timeouts_total", "Answers ended by a timeout"
        )
        self.tokens = self._counter(
            "llm_tokens_total", "Prompt and completion tokens", "model", "kind"
        )
        self.time_to_first_token = self._histogram(
            "llm_first_token_seconds", "Time to an answer's first token", "model"
        )
        self.active = self._gauge("llm_active_generations", "Answers in progress", "model")
