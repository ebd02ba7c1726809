"""Logs without secrets, and metrics."""

import dataclasses
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec
import pytest
import structlog

from rustygpt_server.telemetry import Metrics, log, set_up_logging
from rustygpt_shared.settings import Logging

Read = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    """Restore the process's logging configuration after each test."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    level = root.level
    loggers = {name: logging.getLogger(name) for name in ("sanic.root", "sanic.error", "httpx")}
    saved = {
        name: (logger.handlers[:], logger.level, logger.propagate)
        for name, logger in loggers.items()
    }
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, (saved_handlers, saved_level, propagate) in saved.items():
        loggers[name].handlers[:] = saved_handlers
        loggers[name].propagate = propagate
        loggers[name].setLevel(saved_level)
    structlog.reset_defaults()


def _set_up(log_format: Literal["text", "json"] = "json") -> None:
    """Configure logging at the level info."""
    set_up_logging(Logging(level="info", format=log_format))


def test_a_json_log_line_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks and control characters of a value are escaped."""
    _set_up()
    log("x").info("hello", text="a\nb\x1b[31m\u2028c")
    lines = capsys.readouterr().err.split("\n")

    assert len(lines) == 2
    entry = json.loads(lines[0])
    assert (entry["event"], entry["level"]) == ("hello", "info")
    assert "\x1b" not in lines[0]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_value_adds_a_log_line(
    capsys: pytest.CaptureFixture[str], log_format: Literal["text", "json"]
) -> None:
    """Values contain neither line breaks nor colours in the log of any library."""
    _set_up(log_format)
    hostile = "a\nb\r\x1b[31m\x9b31m\u2028c"
    log("x").info("hello", text=hostile, more=[hostile])
    logging.getLogger("asyncio").warning("received: %s", hostile)
    output = capsys.readouterr().err

    assert output.count("\n") == 2
    assert not set("\r\x1b\x9b\u2028") & set(output)


def test_libraries_log_in_the_same_format(capsys: pytest.CaptureFixture[str]) -> None:
    """The standard library's loggers use it too, and verbose libraries are silenced."""
    _set_up()
    logging.getLogger("asyncio").warning("%s happened", "it")
    logging.getLogger("sanic.root").info("a banner")
    logging.getLogger("httpx").info("GET https://example.org")
    lines = capsys.readouterr().err.splitlines()

    assert [json.loads(line)["event"] for line in lines] == ["it happened"]


@pytest.mark.parametrize("name", ["password", "new_password", "Token", "api_key", "dsn", "url"])
def test_values_with_secret_names_are_masked(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A log call that includes a secret by mistake does not reveal it."""
    _set_up()
    log("x").info("hello", **{name: "canary"})

    assert "canary" not in capsys.readouterr().err


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_tracebacks_show_no_values(
    capsys: pytest.CaptureFixture[str], log_format: Literal["text", "json"]
) -> None:
    """A traceback has the place of the error, without the values of variables."""
    _set_up(log_format)

    def fail(password: str) -> None:
        raise KeyError(len(password))

    secret = "".join(reversed("yranac"))
    try:
        fail(secret)
    except KeyError:
        log("x").error("it broke", exc_info=True)
    output = capsys.readouterr().err

    assert "KeyError: 6" in output
    assert "canary" not in output


def test_the_log_level_is_configurable(capsys: pytest.CaptureFixture[str]) -> None:
    """Less severe events are not written."""
    set_up_logging(Logging(level="error", format="json"))
    log("x").warning("hello")

    assert capsys.readouterr().err == ""


def test_metrics_of_two_servers_are_separate() -> None:
    """No metric is registered for the whole process."""
    first, second = Metrics(), Metrics()
    first.connections.inc()

    assert second.registry.get_sample_value("rustygpt_sse_connections") == 0
    assert first.registry.get_sample_value("rustygpt_sse_connections") == 1


@dataclasses.dataclass
class _Login:
    name: str
    password: str


class _Answer(msgspec.Struct):
    status: int
    session_token: str


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_nested_secrets_are_masked(
    capsys: pytest.CaptureFixture[str], log_format: Literal["text", "json"]
) -> None:
    """In mappings, sequences, dataclasses and structs, at any depth, and in URLs."""
    _set_up(log_format)
    deep: Any = {"api_key": "canary"}
    for _ in range(20):
        deep = {"inner": [deep]}
    log("x").info(
        "connecting to postgresql://user:canary@host/db",
        request={"name": "visible", "headers": [{"Authorization": "canary"}]},
        login=_Login("visible", "canary"),
        answers=(_Answer(200, "canary"), {"Set-Cookie": ("canary",)}),
        deep=deep,
        text="see https://canary@example.org/visible",
    )
    output = capsys.readouterr().err

    assert "canary" not in output
    assert output.count("visible") == 3
    assert output.count("***") >= 6


def test_urls_in_tracebacks_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """An error's text may contain the address that it could not reach."""
    _set_up()
    error = ConnectionError("cannot reach redis://:canary@host:6379")
    log("x").error("failed", exc_info=error)
    output = capsys.readouterr().err

    assert "canary" not in output
    assert "redis://***@host:6379" in output
