"""The program as a whole: its table, how it starts, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from tests.support.clients.cli_runner import run

from rustygpt_tui import cli
from rustygpt_tui.commands.lazy import CommandEntry, load

PROGRAM = [sys.executable, "-c", "from rustygpt_tui.cli import main; main()"]


def _leaves(entries: dict[str, CommandEntry], above: str = "") -> list[tuple[str, CommandEntry]]:
    found = []
    for name, entry in entries.items():
        words = f"{above} {name}".strip()
        found += _leaves(dict(entry.subcommands), words) if entry.subcommands else [(words, entry)]
    return found


OURS = [(words, e) for words, e in _leaves(cli.COMMANDS) if e.target.startswith("rustygpt_tui")]


@pytest.mark.parametrize(("words", "entry"), OURS, ids=[words for words, _ in OURS])
def test_every_entry_names_a_command_that_explains_itself(words: str, entry: CommandEntry) -> None:
    """Each has a help text, and its name in the table is its own."""
    command = load(words, entry)
    assert command.name == words.rsplit(maxsplit=1)[-1]
    ran = run(*words.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert command.help
    assert ran.out.startswith("Usage: rustygpt ")


@pytest.mark.parametrize("words", ["--help", "conversations --help", "ask --help", "login --help"])
def test_help_loads_neither_screens_nor_network_nor_server(words: str) -> None:
    """A process of its own tells which modules it has."""
    program = (
        "import sys; from rustygpt_tui.cli import run; code = run(sys.argv[1:])\n"
        "heavy = {'textual', 'rich', 'httpx', 'sanic', 'asyncpg', 'rustygpt_server'}\n"
        "sys.exit(f'{code} {sorted(heavy & set(sys.modules))}')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words.split()],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stderr == "0 []\n"


def test_without_a_terminal_and_a_command_there_is_help() -> None:
    """On standard error, as a mistake of usage."""
    ran = run()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: rustygpt")
    assert run("tui").code == 2


def test_a_mistake_of_usage_is_2_and_with_json_an_object() -> None:
    """An unknown word is no prompt."""
    assert run("hello").code == 2
    ran = run("post", "--json", "--nope")
    assert ran.code == 2
    assert ran.err.startswith('{"error":{"code":"RGP.CLIENT.USAGE","message":"No such option')


def test_a_server_command_without_its_parts_says_what_to_install() -> None:
    """In one sentence, as a mistake of usage."""
    entry = CommandEntry("Run", "rustygpt_server.cli:serve", requires="not_installed_here")
    with pytest.raises(cli.UsageError, match=r"pip install 'rustygpt\[server\]'"):
        load("serve", entry)


def test_an_entry_that_is_no_command_is_a_fault() -> None:
    """The table is checked as it is used."""
    with pytest.raises(TypeError):
        load("x", CommandEntry("X", "rustygpt_tui.errors:ClientError"))


def test_the_version_is_told() -> None:
    """It is the wheel's."""
    assert run("--version").out.strip()


def test_a_reader_that_stops_ends_it_quietly_with_141(tmp_path: Path) -> None:
    """As if by SIGPIPE, without a word on standard error."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PROGRAM, "completion", "bash"], check=False, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_settings_that_cannot_be_used_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the source of the mistake, and exit code 2."""
    monkeypatch.setenv("RUSTYGPT__CLI__SERVER", "nowhere")
    ran = run("me", "--config", "/nonexistent.toml")
    assert ran.code == 2
    assert "nonexistent.toml cannot be read" in ran.err
    assert "write it like" in run("me").err


def test_options_may_stand_before_and_after_the_command() -> None:
    """Both name the same server, on which nobody listens."""
    server = "http://127.0.0.1:9"
    before, after = run("--server", server, "me"), run("me", "--server", server)
    assert (before.code, after.code) == (3, 3)
    assert before.err == after.err
    assert server in after.err


def test_groups_run_their_default_command() -> None:
    """`sessions` lists, `members` has to be told more."""
    context = click.Context(cli.program)
    for name in ("sessions", "conversations", "conv"):
        group = cli.program.get_command(context, name)
        assert group is not None
        assert group.parse_args(click.Context(group), []) is not None
    assert run("members").code == 2
