"""The commands against a real server: the first minutes, and two users in one conversation."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.clients.cli_runner import CliResult, run
from tests.support.fakes.fake_http_server import fake_http_server
from tests.support.servers.server_process import COMMAND, blocking_server_process

from rustygpt_shared.codec import decode_event
from rustygpt_shared.events import MessageNew
from rustygpt_tui.client.http import connect
from rustygpt_tui.client.local import local_server
from rustygpt_tui.errors import Unreachable

pytestmark = pytest.mark.xdist_group("live")


@pytest.fixture(scope="module")
def origin(cluster_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for the tests of this file, which run in their order."""
    with blocking_server_process(tmp_path_factory.mktemp("server"), cluster_url) as running:
        yield running


@pytest.fixture(autouse=True)
def _folders(
    origin: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.getbasetemp() / "person"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RUSTYGPT_CONFIG_DIR", str(folder / "config"))
    monkeypatch.setenv("RUSTYGPT_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("RUSTYGPT__CLI__SERVER", origin)


def done(*words: str, stdin: str = "") -> str:
    """Return the output of a command that has to succeed."""
    ran: CliResult = run(*words, stdin=stdin)
    assert (ran.code, ran.err) == (0, ran.err), ran
    return ran.out.strip()


def test_the_first_minutes() -> None:
    """Set up, create a conversation, ask, find everything again, mark it read."""
    assert run("me").code == 4
    words = ["setup", "--username", "ada", "--email", "ada@example.org", "--password-stdin"]
    done(*words, stdin="password-1")
    assert run(*words, stdin="password-1").code == 1
    conversation_id = done("conv", "create", "Tea 🍵 room")
    answer = done("ask", "tea 🍵 room", "What is tea?")
    assert "demo assistant" in answer
    (row,) = done("threads", conversation_id).splitlines()
    root = row.split("\t")[0]
    question, answered = map(
        json.loads, done("chat", "--conversation", conversation_id, "--json").split("\n")
    )
    assert (question["id"], answered["content"].strip()) == (root, answer)
    assert done("unread").split("\t")[1:] == [root, "1"]
    assert done("read", root) == "Unread: 0"
    assert done("unread") == ""
    assert done("ask", "--parent", answered["id"][:23], "Again?", "--json")
    assert json.loads(done("cancel", answered["id"], "--json"))["status"] == "completed"


def test_two_users_in_one_conversation() -> None:
    """An account is created, added, writes, and is not admitted after its removal."""
    words = ["admin", "users", "create", "bob", "--email", "bob@example.org", "--password-stdin"]
    done(*words, stdin="password-2")
    conversation_id = done("conv", "create", "Two", "--group")
    done("members", "add", conversation_id, "bob")
    done("--account", "bob", "login", "--email", "bob", "--password-stdin", stdin="password-2")
    message = done("--account", "bob", "post", "two", "-", stdin="Hello <b>\x1b[2J\n")
    lines = done("--account", "ada", "chat", "--conversation", "Two").splitlines()
    assert lines[1] == "Hello <b>[2J"
    done("--account", "ada", "reply", "--parent", message, "Hi")
    assert run("--account", "bob", "conv", "rename", conversation_id, "Mine").code == 6
    done("--account", "ada", "members", "remove", conversation_id, "bob")
    assert run("--account", "bob", "threads", conversation_id).code == 5
    done("--account", "ada", "admin", "users", "disable", "bob")
    assert run("--account", "bob", "me").code == 4


def test_follow_starts_at_the_first_event() -> None:
    """`follow` prints events from the first one of a conversation, as the wire has them."""
    conversation_id = done("--account", "ada", "conv", "create", "Followed", "--mode", "off")
    done("--account", "ada", "post", conversation_id, "One")
    words = ["--account", "ada", "follow", "--conversation", conversation_id, "--json", "--once"]
    event = decode_event(done(*words, "--since", "evt_0", "--types", "message.new"))
    assert isinstance(event, MessageNew)
    assert event.payload.message.content == "One"


def test_follow_ends_when_its_pipe_is_closed() -> None:
    """`follow | head -1` ends with 141 at the next event, without any message."""
    conversation_id = done("--account", "ada", "conv", "create", "Piped", "--mode", "off")

    reading, writing = os.pipe()
    process = subprocess.Popen(
        [*COMMAND, "--account", "ada", "follow", "--conversation", conversation_id],
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    assert os.read(reading, 100).startswith(b"- stream.open")
    os.close(reading)
    done("--account", "ada", "post", conversation_id, "One")
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (141, b"")


async def test_a_local_server_starts_and_ends(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The server of `--local` serves, and has ended afterwards."""
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    monkeypatch.setenv("RUSTYGPT_STATE_DIR", str(tmp_path))
    received: list[str] = []
    async with fake_http_server() as gone:
        wanted = gone.origin
    async with (
        local_server(received.append, preferred_url=wanted) as origin,
        connect(origin) as client,
    ):
        assert origin == wanted
        assert not await client.is_setup()
    assert len(received) > 1
    async with connect(origin) as client:
        with pytest.raises(Unreachable):
            await client.is_setup()
