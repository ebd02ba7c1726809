"""Hostile messages on a real pseudo terminal: no sequence of theirs reaches it."""

import json
from pathlib import Path

import pytest
from tests.support.attacks import FORBIDDEN, MARK, TERMINAL
from tests.support.clients.cli_user import CliUser
from tests.support.clients.terminal import in_terminal
from tests.support.database import databases
from tests.support.password import PASSWORD
from tests.support.servers.server_process import server_process
from tests.support.wait import until

pytestmark = pytest.mark.slow


def _reached(output: str) -> list[str]:
    return [sequence for sequence in FORBIDDEN if sequence in output]


async def test_no_attack_reaches_the_terminal(
    tmp_path: Path, cluster_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From titles, messages and code, in each command that shows them and in the chat."""
    url = await databases.create(cluster_url)
    async with server_process(tmp_path, url) as server:
        ann = CliUser(tmp_path, server.url)
        setup = ("setup", "--username", "ann", "--email", "ann@example.org")
        await ann.run(*setup, "--password-stdin", stdin=PASSWORD)
        title = f"Attack {TERMINAL[0]}{TERMINAL[4]}{TERMINAL[6]}"
        created = await ann.run("conversations", "create", title, "--mode", "off", "--json")
        conversation_id = json.loads(created)["conversation_id"]
        attack = "\n\n".join([*TERMINAL, *(f"```\n{line}\n```" for line in TERMINAL), "the end"])
        await ann.run("post", conversation_id, "-", stdin=f"start {attack}")
        monkeypatch.setenv("RUSTYGPT_CONFIG_DIR", str(tmp_path))
        monkeypatch.setenv("RUSTYGPT_STATE_DIR", str(tmp_path))
        monkeypatch.setenv("RUSTYGPT__CLI__SERVER", server.url)
        for arguments in (
            ("conversations",),
            ("threads", conversation_id),
            ("chat", "--conversation", conversation_id),
        ):
            async with in_terminal(*arguments) as terminal:
                if arguments[0] == "chat":
                    await until(lambda: "> " in terminal.seen.rpartition("the end")[2])
                    terminal.types("\x04")
                assert await terminal.ends() == 0
            assert "Attack" in terminal.seen or MARK in terminal.seen, arguments
            assert _reached(terminal.seen) == [], arguments
        async with in_terminal() as terminal:
            await terminal.shows("Attack")
            terminal.types("\r")
            await terminal.shows("the end")
            terminal.types("\x11")
        assert _reached(terminal.seen) == []
    await databases.drop(cluster_url, url)
