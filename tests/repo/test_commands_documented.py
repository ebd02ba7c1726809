"""Every command and each of its options is in the page of commands, and nothing else is."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from rustygpt_tui import cli
from rustygpt_tui.commands.lazy import CommandEntry, load
from rustygpt_tui.commands.options import COMMON
from rustygpt_tui.errors import Exit

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text("utf-8")
ROW = re.compile(r"^\| `([a-z][a-z -]*)` \| ([^|]*)\|", re.MULTILINE)


def _commands(
    entries: Mapping[str, CommandEntry], above: str = ""
) -> Iterator[tuple[str, click.Command]]:
    for name, entry in entries.items():
        words = f"{above} {name}".strip()
        if entry.subcommands:
            yield from _commands(entry.subcommands, words)
        else:
            yield from _below(words, load(words, entry))


def _below(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from _below(f"{words} {name}", below)
    else:
        yield words, command


def _options(command: click.Command) -> set[str]:
    common = {*COMMON, "json", "file", "as_json"}
    return {
        option.opts[0]
        for option in command.params
        if isinstance(option, click.Option) and option.name not in common and not option.hidden
    }


def test_the_page_has_every_command_and_its_options() -> None:
    """A row for each; `conv` is mentioned as another name."""
    known = {w: _options(c) for w, c in _commands(cli.COMMANDS) if not w.startswith("conv ")}
    documented = {
        words: set(re.findall(r"`(--[a-z-]+)`", options)) for words, options in ROW.findall(PAGE)
    }
    assert documented == known
    assert "`conv` is short for `conversations`" in PAGE


def test_the_page_has_every_common_option() -> None:
    """And JSON."""
    for name in (*COMMON, "json"):
        assert f"| `--{name.replace('_', '-')}" in PAGE


def test_the_page_has_every_exit_code() -> None:
    """Scripts rely on them."""
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)] == list(Exit)
