"""Groups of commands whose modules are imported when one of their commands is run or explained."""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from rustygpt_tui.errors import UsageError


@dataclass(frozen=True)
class CommandEntry:
    """A command in the table: where its `click.Command` is, and what it does in a few words.

    `target` is `module:name`; a group has `below` instead. `needs` names a package that comes
    with the server's parts only.
    """

    summary: str
    target: str = ""
    subcommands: Mapping[str, "CommandEntry"] = field(default_factory=dict)
    default: str | None = None
    requires: str | None = None


class LazyGroup(click.Group):
    """A group made of entries; its help imports nothing.

    Called without arguments it runs its `default` command, or shows its help.
    """

    def __init__(
        self,
        name: str | None,
        entries: Mapping[str, CommandEntry],
        default: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(name, **more)
        self.entries = entries
        self.default = default

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the table's order."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, imported now."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        if entry.subcommands:
            return LazyGroup(cmd_name, entry.subcommands, entry.default, help=entry.summary)
        return load(cmd_name, entry)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the default command where none is named."""
        if not args and self.default:
            args = [self.default]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The names and what they do, from the table alone."""
        rows = [(name, entry.summary) for name, entry in self.entries.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def load(name: str, entry: CommandEntry) -> click.Command:
    """The command of an entry; raises UsageError when its package is not installed."""
    if entry.requires and importlib.util.find_spec(entry.requires) is None:
        raise UsageError(
            f"`rustygpt {name}` needs the server's parts; "
            "install them with: pip install 'rustygpt[server]'"
        )
    module, _, attribute = entry.target.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, click.Command):
        raise TypeError(f"{entry.target} is no command")
    return found
