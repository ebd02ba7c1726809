"""Logging and metrics: structured log lines without secrets, and Prometheus series.

What is counted where is decided by the code that counts.
"""

import logging
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any, Final

import structlog
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
    for key in line:
        if key != "event" and any(word in key.lower() for word in _SECRET_WORDS):
            line[key] = "***"
    return line


def _plain(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape control characters: text of users must not start a new log line."""
    line["event"] = _escaped(str(line.get("event", "")), "")
    if "exception" in line:
        line["exception"] = _escaped(str(line["exception"]), "\n")
    return line


def _escaped(text: str, allowed: str) -> str:
    return "".join(c if c.isprintable() or c in allowed else repr(c)[1:-1] for c in text)


def log(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


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
        self.active_sessions = Gauge(
            "rustygpt_auth_active_sessions",
            "Sessions alive",
            registry=self.registry,
            multiprocess_mode="livemostrecent",
        )  # each process counts them all
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
