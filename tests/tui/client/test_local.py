"""A server of one's own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, fake_http_server
from tests.support.wait import until

from rustygpt_tui.client import local
from rustygpt_tui.client.http import Ready
from rustygpt_tui.client.local import local_server
from rustygpt_tui.errors import ClientError, UsageError

CHILD = """
import json, os, sys, time
port = int(sys.argv[sys.argv.index("--port") + 1])
say = lambda **told: print(json.dumps(told), flush=True)
print("not json", flush=True)
say(stage="Making\\x1b[2J the database")
{then}
sys.stdin.read()
open({ended!r}, "w").write("graceful")
"""


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSTYGPT_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
async def server() -> AsyncIterator[FakeHttpServer]:
    """A server that listens already."""
    async with fake_http_server() as running:
        yield running


def child(tmp_path: Path, then: str) -> list[str]:
    """A program that speaks as a supervised server does."""
    return [sys.executable, "-c", CHILD.format(then=then, ended=str(tmp_path / "ended"))]


READY = 'say(ready=f"http://127.0.0.1:{port or 4321}")'


async def test_a_server_that_runs_is_used_and_left_running(server: FakeHttpServer) -> None:
    """Nothing is started, also when it is still getting ready."""
    server.on("GET", "/readyz", FakeResponse(503, Ready(ready=False, missing=["database"])))
    told: list[str] = []
    async with local_server(
        told.append, preferred_url=server.origin, command=["/nowhere"]
    ) as origin:
        assert origin == server.origin
    assert told == []


async def test_a_child_is_started_and_ends_by_its_closed_input(tmp_path: Path) -> None:
    """Its stages are told, fit for a terminal; when the block ends it goes, gracefully."""
    async with fake_http_server() as gone:
        wanted = gone.origin
    told: list[str] = []
    command = child(tmp_path, READY)
    async with local_server(told.append, preferred_url=wanted, command=command) as origin:
        assert origin == wanted
        assert not (tmp_path / "ended").exists()
    assert told == ["Starting a server …", "Making[2J the database"]
    assert (tmp_path / "ended").read_text() == "graceful"


async def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    """At the same address, so that clients just go on."""
    async with fake_http_server() as gone:
        wanted = gone.origin
    first = tmp_path / "first"
    then = f"{READY}\nif not os.path.exists({str(first)!r}): open({str(first)!r}, 'w'); os._exit(9)"
    told: list[str] = []
    async with local_server(
        told.append, preferred_url=wanted, command=child(tmp_path, then)
    ) as origin:
        assert origin == wanted
        await until(lambda: told.count("Making[2J the database") == 2)
    assert (tmp_path / "ended").read_text() == "graceful"


async def test_a_port_of_another_program_is_left_to_it(
    server: FakeHttpServer, tmp_path: Path
) -> None:
    """The child then chooses its own."""
    command = child(tmp_path, READY)
    async with local_server(print, preferred_url=server.origin, command=command) as origin:
        assert origin == "http://127.0.0.1:4321"


@pytest.mark.parametrize(
    ("then", "sentence"),
    [
        ('say(failed="The disk is full.")', "The disk is full."),
        ("sys.exit(1)", "ended before it was ready"),
        ('print("boom", file=sys.stderr); sys.exit(1)', "server.log"),
    ],
)
async def test_why_it_does_not_start_is_told(tmp_path: Path, then: str, sentence: str) -> None:
    """In its own words, or with the place of its log."""
    async with fake_http_server() as gone:
        wanted = gone.origin
    with pytest.raises(ClientError, match=sentence):
        async with local_server(print, preferred_url=wanted, command=child(tmp_path, then)):
            pass
    if "boom" in then:
        assert local.log_file().read_text() == "boom\n"
        assert local.log_file().stat().st_mode & 0o077 == 0


async def test_the_child_ends_when_the_terminal_is_killed(tmp_path: Path) -> None:
    """A terminal that dies by SIGKILL leaves no server behind."""
    async with fake_http_server() as gone:
        wanted = gone.origin
    command = child(tmp_path, READY)
    program = (
        "import asyncio, os, signal\n"
        "from rustygpt_tui.client.local import local_server\n"
        "async def main():\n"
        f"    async with local_server(print, preferred_url={wanted!r}, command={command!r}):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=os.environ)
    await process.wait()
    async with asyncio.timeout(10):
        while not (tmp_path / "ended").exists():
            await asyncio.sleep(0.02)


async def test_no_server_is_started_on_another_machine() -> None:
    """`--local` with a server elsewhere is a mistake."""
    with pytest.raises(UsageError, match="not on this machine"):
        async with local_server(print, preferred_url="https://chat.example"):
            pass
