"""The commands against a real server: the first minutes, and two users in one conversation."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.clients.cli_runner import CliResult, run
from tests.support.clients.screen import screen_of
from tests.support.clients.terminal import in_terminal
from tests.support.fakes.fake_http_server import fake_http_server
from tests.support.servers.server_process import COMMAND, blocking_server_process, free_port
from tests.support.wait import until

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
    assert done("unread") == "", "what ask printed is read"
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


def test_a_message_is_found_and_its_link_is_opened(origin: str) -> None:
    """A post is indexed by the running server soon; the link prints its text in a pipe."""
    ada = ("--account", "ada")
    message = done(*ada, "post", "Tea 🍵 room", "The zeppelin has landed")
    search = (*ada, "search", "zeppelin", "from:ada", "--json")
    found = next(filter(None, (done(*search) for _ in range(200))))

    assert json.loads(found)["message"]["id"] == message
    assert done(*ada, "open", f"{origin}/#/m/{message}") == "The zeppelin has landed"
    assert run(*ada, "open", f"https://elsewhere.example/#/m/{message}").code == 2


def test_an_administrator_changes_rate_limits() -> None:
    """A profile is created, assigned by its name, changed, and deleted when it is not needed."""
    ada = ["--account", "ada", "admin", "limits"]
    done(*ada, "profiles", "create", "slow", "--rps", "0.5", "--burst", "3")
    done(*ada, "assignments", "create", "slow", "GET", "/api/users")
    assert "\tGET\t/api/users\tslow" in done(*ada, "assignments")
    assert "Burst:   9" in done(*ada, "profiles", "update", "slow", "--burst", "9")
    assert "\tslow\t0.5\t9" in done(*ada)
    assert run(*ada, "profiles", "delete", "slow").code == 1
    done(*ada, "assignments", "delete", "GET /api/users")
    done(*ada, "profiles", "delete", "slow")
    assert run(*ada, "profiles", "delete", "slow").code == 5


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
    _, err = process.communicate(timeout=60)
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
        assert not (await client.show_setup()).is_setup
    assert len(received) > 1
    async with connect(origin) as client:
        with pytest.raises(Unreachable):
            await client.show_setup()


async def test_the_settings_file_reaches_the_local_server(tmp_path: Path) -> None:
    """`rustygpt --local --config FILE` shows what the server cannot use in that file."""
    file = tmp_path / "other.toml"
    file.write_text('[db]\nurl = "mysql://x"\n')
    address = f"http://127.0.0.1:{free_port()}"
    words = ["--local", "--config", str(file), "--server", address]
    async with asyncio.timeout(60), in_terminal(*words) as terminal:
        await terminal.shows("db.url")


async def test_the_chat_is_drawn_while_errors_go_to_a_file(tmp_path: Path) -> None:
    """`rustygpt 2>file` shows the chat, and nothing of it is in the file."""
    with (tmp_path / "errors").open("wb") as file:
        async with asyncio.timeout(60), in_terminal("--account", "ada", errors=file) as terminal:
            await terminal.shows("Tea")
            terminal.types("\x11")  # ctrl+q
            assert await terminal.ends() == 0
    assert (tmp_path / "errors").read_bytes() == b""


async def test_a_line_chat_in_a_terminal() -> None:
    """A paste is one message, the prompt follows the answer, and all of it is read at the end."""
    conversation_id = await asyncio.to_thread(done, "--account", "ada", "conv", "create", "Lines")
    paste = "def f():\n    return 1\n\nplease explain\n"
    words = ["--account", "ada", "chat", "--conversation", conversation_id]
    async with asyncio.timeout(60), in_terminal(*words) as terminal:
        mode = terminal.mode()
        await terminal.shows("↳ new thread")
        terminal.types(f"\x1b[200~{paste}\x1b[201~\n")
        await terminal.shows("↳ to assistant · demo: ")
        terminal.types("Again, please\n")
        await until(lambda: screen_of(terminal.seen).count("── assistant") == 2)
        await asyncio.to_thread(wait_until_read, conversation_id)
        terminal.types("\x04")
        assert await terminal.ends() == 0
        assert terminal.mode() == mode
    listed = await asyncio.to_thread(
        done, "--account", "ada", "chat", "--conversation", conversation_id, "--json"
    )
    first, answer, second, _ = map(json.loads, listed.split("\n"))
    assert first["content"] == paste.rstrip()
    assert second["parent_id"] == answer["id"]


def wait_until_read(conversation_id: str) -> None:
    """Wait until nothing is unread in a conversation."""
    while done("--account", "ada", "unread", conversation_id):
        pass


def test_a_script_signs_in_with_a_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a session file, within its scopes, and until it is revoked."""
    done("--account", "ada", "conv", "create", "Builds", "--mode", "off")
    token = done(
        "--account", "ada", "tokens", "create", "ci", "--scope", "read", "--scope", "write"
    )
    with monkeypatch.context() as script:
        script.setenv("RUSTYGPT_TOKEN", token)
        script.setenv("RUSTYGPT_CONFIG_DIR", str(tmp_path / "none"))
        done("post", "Builds", "The build is green.")
        assert "The build is green." in done("chat", "--conversation", "Builds")
        assert done("follow", "--conversation", "Builds", "--once", "--since", "evt_0")
        assert (run("tokens").code, run("admin", "users").code) == (6, 6)
    done("--account", "ada", "tokens", "revoke", "ci")
    monkeypatch.setenv("RUSTYGPT_TOKEN", token)
    assert run("me").code == 4
    assert not (tmp_path / "none").exists()


def test_a_new_user_comes_with_an_invite() -> None:
    """The link of `invites create` is given to `register`; it works once."""
    done("--account", "ada", "conv", "create", "Guests", "--mode", "off")
    link = done("--account", "ada", "invites", "create", "Guests", "--role", "viewer")
    words = ["--username", "carol", "--email", "carol@example.org", "--password-stdin"]
    register = ["--account", "carol", "register", "--invite", link, *words]
    done(*register, stdin="password-3")
    assert "Guests" in done("--account", "carol", "conversations")
    assert run("--account", "carol", "invites", "accept", link).code == 1
    assert "\tused\t" in done("--account", "ada", "invites", "list", "Guests")
    done("--account", "ada", "admin", "users", "sign-out", "carol")
    assert run("--account", "carol", "me").code == 4
