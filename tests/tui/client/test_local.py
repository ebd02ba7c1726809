"""The server behind `--local`."""

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
report = lambda **fields: print(json.dumps(fields), flush=True)
print("not json", flush=True)
report(stage="Making\\x1b[2J the database")
{then}
sys.stdin.read()
open({ended!r}, "w").write("graceful")
"""


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSTYGPT_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
async def server() -> AsyncIterator[FakeHttpServer]:
    """A fake server that is already running."""
    async with fake_http_server() as running:
        yield running


def child(tmp_path: Path, then: str) -> list[str]:
    """Return a program that reports like a supervised server."""
    return [sys.executable, "-c", CHILD.format(then=then, ended=str(tmp_path / "ended"))]


READY = 'report(ready=f"http://127.0.0.1:{port or 4321}")'


async def test_a_running_server_is_used_and_left_running(server: FakeHttpServer) -> None:
    """No server is started, also when the running one is not ready yet."""
    server.on("GET", "/readyz", FakeResponse(503, Ready(ready=False, missing=["database"])))
    progress: list[str] = []
    async with local_server(
        progress.append, preferred_url=server.origin, command=["/nowhere"]
    ) as origin:
        assert origin == server.origin
    assert progress == []


async def test_a_child_is_started_and_stopped(tmp_path: Path) -> None:
    """Its progress is reported, safe for a terminal; closing its input ends it gracefully."""
    async with fake_http_server() as stopped:
        url = stopped.origin
    progress: list[str] = []
    command = child(tmp_path, READY)
    async with local_server(progress.append, preferred_url=url, command=command) as origin:
        assert origin == url
        assert not (tmp_path / "ended").exists()
    assert progress == ["Starting a server …", "Making[2J the database"]
    assert (tmp_path / "ended").read_text() == "graceful"


async def test_a_child_that_dies_is_restarted(tmp_path: Path) -> None:
    """At the same address, so that clients can continue."""
    async with fake_http_server() as stopped:
        url = stopped.origin
    first = tmp_path / "first"
    then = f"{READY}\nif not os.path.exists({str(first)!r}): open({str(first)!r}, 'w'); os._exit(9)"
    progress: list[str] = []
    async with local_server(
        progress.append, preferred_url=url, command=child(tmp_path, then)
    ) as origin:
        assert origin == url
        await until(lambda: progress.count("Making[2J the database") == 2)
    assert (tmp_path / "ended").read_text() == "graceful"


async def test_a_port_of_another_program_is_not_used(
    server: FakeHttpServer, tmp_path: Path
) -> None:
    """The child then chooses another port."""
    command = child(tmp_path, READY)
    async with local_server(print, preferred_url=server.origin, command=command) as origin:
        assert origin == "http://127.0.0.1:4321"


@pytest.mark.parametrize(
    ("then", "sentence"),
    [
        ('report(failed="The disk is full.")', "The disk is full."),
        ("sys.exit(1)", "ended before it was ready"),
        ('print("boom", file=sys.stderr); sys.exit(1)', "server.log"),
    ],
)
async def test_the_reason_of_a_failed_start_is_reported(
    tmp_path: Path, then: str, sentence: str
) -> None:
    """In the child's words, or with the path of its log."""
    async with fake_http_server() as stopped:
        url = stopped.origin
    with pytest.raises(ClientError, match=sentence):
        async with local_server(print, preferred_url=url, command=child(tmp_path, then)):
            pass
    if "boom" in then:
        assert local.log_file().read_text() == "boom\n"
        assert local.log_file().stat().st_mode & 0o077 == 0


async def test_the_child_ends_when_the_terminal_is_killed(tmp_path: Path) -> None:
    """After SIGKILL of the terminal no server is left."""
    async with fake_http_server() as stopped:
        url = stopped.origin
    command = child(tmp_path, READY)
    program = (
        "import asyncio, os, signal\n"
        "from rustygpt_tui.client.local import local_server\n"
        "async def main():\n"
        f"    async with local_server(print, preferred_url={url!r}, command={command!r}):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=os.environ)
    await process.wait()
    async with asyncio.timeout(60):
        while not (tmp_path / "ended").exists():
            await asyncio.sleep(0.02)


async def test_no_server_is_started_on_another_machine() -> None:
    """`--local` with another machine's address is an error of usage."""
    with pytest.raises(UsageError, match="not on this machine"):
        async with local_server(print, preferred_url="https://chat.example"):
            pass
