"""The program: its table of commands, its start, and its exit codes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest
from tests.support.clients.cli_runner import run

from rustygpt_tui import cli
from rustygpt_tui.commands.lazy import CommandEntry, load

NamedEntry = tuple[str, CommandEntry]
PROGRAM = [sys.executable, "-c", "from rustygpt_tui.cli import main; main()"]


def _commands(entries: Mapping[str, CommandEntry], above: str = "") -> Iterator[NamedEntry]:
    """Yield the words and the entry of every command, through all groups."""
    for name, entry in entries.items():
        words = f"{above} {name}".strip()
        if entry.subcommands:
            yield from _commands(entry.subcommands, words)
        else:
            yield words, entry


CLIENT_COMMANDS = [
    (words, entry)
    for words, entry in _commands(cli.COMMANDS)
    if entry.target.startswith("rustygpt_tui")
]


@pytest.mark.parametrize(
    ("words", "entry"), CLIENT_COMMANDS, ids=[words for words, _ in CLIENT_COMMANDS]
)
def test_every_entry_names_a_command_with_a_help_text(words: str, entry: CommandEntry) -> None:
    """The command has the name that it has in the table."""
    command = load(words, entry)
    assert command.name == words.rsplit(maxsplit=1)[-1]
    result = run(*words.split(), "--help")
    assert (result.code, result.err) == (0, "")
    assert command.help
    assert result.out.startswith("Usage: rustygpt ")


@pytest.mark.parametrize("words", ["--help", "conversations --help", "ask --help", "login --help"])
def test_help_imports_neither_screens_nor_network_nor_server(words: str) -> None:
    """Checked in a new process, by its imported modules."""
    program = (
        "import sys; from rustygpt_tui.cli import run; code = run(sys.argv[1:])\n"
        "heavy = {'textual', 'rich', 'httpx', 'sanic', 'asyncpg', 'rustygpt_server'}\n"
        "sys.exit(f'{code} {sorted(heavy & set(sys.modules))}')"
    )
    process = subprocess.run(
        [sys.executable, "-c", program, *words.split()],
        check=False,
        capture_output=True,
        text=True,
    )
    assert process.stderr == "0 []\n"


def test_without_a_terminal_and_a_command_it_prints_help() -> None:
    """To standard error, as an error of usage."""
    result = run()
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Usage: rustygpt")
    assert run("tui").code == 2


def test_an_error_of_usage_exits_with_2() -> None:
    """With --json the error is an object."""
    assert run("hello").code == 2
    result = run("post", "--json", "--nope")
    assert result.code == 2
    assert result.err.startswith('{"error":{"code":"RGP.CLIENT.USAGE","message":"No such option')


def test_a_server_command_without_the_server_says_what_to_install() -> None:
    """In one sentence, as an error of usage."""
    entry = CommandEntry("Run", "rustygpt_server.cli:serve", requires="not_installed_here")
    with pytest.raises(cli.UsageError, match=r"pip install 'rustygpt\[server\]'"):
        load("serve", entry)


def test_an_entry_that_is_not_a_command_is_an_error() -> None:
    """The table is checked when an entry is loaded."""
    with pytest.raises(TypeError):
        load("x", CommandEntry("X", "rustygpt_tui.errors:ClientError"))


def test_the_version_is_printed() -> None:
    """It is not empty."""
    assert run("--version").out.strip()


def test_a_closed_pipe_exits_silently_with_141(tmp_path: Path) -> None:
    """As if ended by SIGPIPE, with nothing on standard error."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = subprocess.run(
        [*PROGRAM, "completion", "bash"], check=False, stdout=write_end, stderr=subprocess.PIPE
    )
    os.close(write_end)
    assert (process.returncode, process.stderr) == (141, b"")


def test_invalid_settings_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the source of the error, and exit code 2."""
    monkeypatch.setenv("RUSTYGPT__CLI__SERVER", "nowhere")
    result = run("me", "--config", "/nonexistent.toml")
    assert result.code == 2
    assert "nonexistent.toml cannot be read" in result.err
    assert "write it like" in run("me").err


def test_options_may_be_before_and_after_the_command() -> None:
    """Both name the same server, which does not exist."""
    server = "http://127.0.0.1:9"
    before = run("--server", server, "me")
    after = run("me", "--server", server)
    assert (before.code, after.code) == (3, 3)
    assert before.err == after.err
    assert server in after.err


def test_groups_run_their_default_command() -> None:
    """`sessions` lists; `members` has no default and is an error of usage."""
    context = click.Context(cli.program)
    for name in ("sessions", "conversations", "conv"):
        group = cli.program.get_command(context, name)
        assert group is not None
        assert group.parse_args(click.Context(group), []) is not None
    assert run("members").code == 2


def test_options_of_a_group_are_those_of_its_default_command() -> None:
    """`conversations --archived` is `conversations list --archived`; `--help` stays the group's."""
    for words in ("conversations --archived", "conv --archived --json", "sessions --json"):
        result = run(*words.split(), "--server", "http://127.0.0.1:9")
        assert result.code == 3, "the command ran, and did not reach the server"
    result = run("admin", "users", "--server", "http://127.0.0.1:9")
    assert result.code == 3
    assert "Commands:" in run("conversations", "--help").out
    assert "No such option '--nope'" in run("conversations", "--nope").err


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("member",), "did you mean `rustygpt members`?"),
        (("admin", "limits", "profile"), "did you mean `rustygpt admin limits profiles`?"),
        (("members", "My tea"), "did you mean `rustygpt members list 'My tea'`?"),
        (("users", "ann"), "Nothing answers"),
        (("sessions", "\x1b[31m"), r"has no command '\x1b[31m'; see its --help."),
    ],
)
def test_an_unknown_command_names_the_one_that_may_be_meant(
    arguments: tuple[str, ...], meant: str
) -> None:
    """By its letters, or as the argument of the list."""
    assert meant in run("--server", "http://127.0.0.1:9", *arguments).err


def test_the_document_goes_to_standard_output(tmp_path: Path) -> None:
    """The settings file that is named before the command is read, and never written."""
    settings = tmp_path / "settings.toml"
    settings.write_text("[features]\nsse_v1 = false\n", "utf-8")
    plain = run("spec")
    configured = run("--config", str(settings), "spec")

    assert (plain.code, configured.code) == (0, 0)
    assert plain.out.startswith("openapi: 3.1.0\n")
    assert "/api/stream" in plain.out
    assert "/api/stream" not in configured.out
    assert settings.read_text("utf-8") == "[features]\nsse_v1 = false\n"
