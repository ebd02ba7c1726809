"""Logs without secrets, and metrics."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
import structlog

from rustygpt_server.telemetry import Metrics, log, set_up_logging
from rustygpt_shared.settings import Logging

Read = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    loggers = {name: logging.getLogger(name) for name in ("sanic.root", "sanic.error", "httpx")}
    kept = {name: (one.handlers[:], one.level, one.propagate) for name, one in loggers.items()}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, (those, its, up) in kept.items():
        loggers[name].handlers[:], loggers[name].propagate = those, up
        loggers[name].setLevel(its)
    structlog.reset_defaults()


def _set_up(form: Literal["text", "json"] = "json") -> None:
    set_up_logging(Logging(level="info", format=form))


def test_a_line_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is in it."""
    _set_up()
    log("x").info("hello", text="a\nb\x1b[31m\u2028c")
    lines = capsys.readouterr().err.split("\n")

    assert len(lines) == 2
    told = json.loads(lines[0])
    assert (told["event"], told["level"]) == ("hello", "info")
    assert "\x1b" not in lines[0]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_value_makes_a_line_of_its_own(
    capsys: pytest.CaptureFixture[str], form: Literal["text", "json"]
) -> None:
    """Nor colours, whoever chose it: neither ours nor a library's."""
    _set_up(form)
    hostile = "a\nb\r\x1b[31m\x9b31m\u2028c"
    log("x").info("hello", text=hostile, more=[hostile])
    logging.getLogger("asyncio").warning("told: %s", hostile)
    told = capsys.readouterr().err

    assert told.count("\n") == 2
    assert not set("\r\x1b\x9b\u2028") & set(told)


def test_libraries_speak_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that log by the standard library, too; chatty ones are quiet."""
    _set_up()
    logging.getLogger("asyncio").warning("%s happened", "it")
    logging.getLogger("sanic.root").info("a banner")
    logging.getLogger("httpx").info("GET https://example.org")
    lines = capsys.readouterr().err.splitlines()

    assert [json.loads(line)["event"] for line in lines] == ["it happened"]


@pytest.mark.parametrize("name", ["password", "new_password", "Token", "api_key", "dsn", "url"])
def test_values_that_sound_secret_are_masked(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A slip in a log call gives nothing away."""
    _set_up()
    log("x").info("hello", **{name: "canary"})

    assert "canary" not in capsys.readouterr().err


@pytest.mark.parametrize("form", ["text", "json"])
def test_tracebacks_show_no_values(
    capsys: pytest.CaptureFixture[str], form: Literal["text", "json"]
) -> None:
    """Where it broke, but not with which password."""
    _set_up(form)

    def fail(password: str) -> None:
        raise KeyError(len(password))

    secret = "".join(reversed("yranac"))
    try:
        fail(secret)
    except KeyError:
        log("x").error("it broke", exc_info=True)
    told = capsys.readouterr().err

    assert "KeyError: 6" in told
    assert "canary" not in told


def test_the_level_is_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    """What is less severe is not written."""
    set_up_logging(Logging(level="error", format="json"))
    log("x").warning("hello")

    assert capsys.readouterr().err == ""


def test_metrics_of_two_servers_are_apart() -> None:
    """Nothing is registered for the whole process."""
    one, two = Metrics(), Metrics()
    one.connections.inc()

    assert two.registry.get_sample_value("rustygpt_sse_connections") == 0
    assert one.registry.get_sample_value("rustygpt_sse_connections") == 1
