"""Command groups that import a command's module only when the command or its help is used."""

import difflib
import importlib
import importlib.util
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from rustygpt_tui.errors import UsageError


@dataclass(frozen=True)
class CommandEntry:
    """A command or a group in the table of commands."""

    summary: str
    """What it does, in a few words."""
    target: str = ""
    """Where its `click.Command` is, as `module:name`; empty for a group."""
    subcommands: Mapping[str, "CommandEntry"] = field(default_factory=dict)
    """The entries of a group, by name."""
    default: str | None = None
    """The subcommand of a group that is called without one."""
    requires: str | None = None
    """A package that is only installed with the server."""


class LazyGroup(click.Group):
    """A group of `CommandEntry`; its help needs no imports.

    Without the name of a command it runs its `default` command, or shows its help.
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
        """Return the names in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command of a name, or None."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        if entry.subcommands:
            return LazyGroup(cmd_name, entry.subcommands, entry.default, help=entry.summary)
        return load(cmd_name, entry)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Use the default command when no arguments, or only its options are given."""
        own_options = ctx.help_option_names
        if self.default and (not args or (args[0].startswith("-") and args[0] not in own_options)):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name, or fail and say which one may be meant."""
        if args and args[0] not in self.entries and not ctx.resilient_parsing:
            meant = self._suggest(args)
            hint = f"did you mean `{ctx.command_path} {meant}`?" if meant else "see its --help."
            ctx.fail(f"`{ctx.command_path}` has no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def _suggest(self, args: list[str]) -> str | None:
        """Return a command of a similar name, or the list if that takes an argument."""
        if similar := difflib.get_close_matches(args[0], self.entries, 1):
            return similar[0]
        entry = self.entries.get("list")
        parameters = load("list", entry).params if entry else []
        if any(isinstance(one, click.Argument) for one in parameters):
            return shlex.join(["list", args[0]])
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names and summaries of the table."""
        rows = [(name, entry.summary) for name, entry in self.entries.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def load(name: str, entry: CommandEntry) -> click.Command:
    """Import and return the command of an entry; raise UsageError without its package."""
    if entry.requires and importlib.util.find_spec(entry.requires) is None:
        raise UsageError(
            f"`rustygpt {name}` requires the server; "
            "install it with: pip install 'rustygpt[server]'"
        )
    module, _, attribute = entry.target.partition(":")
    loaded = getattr(importlib.import_module(module), attribute)
    if not isinstance(loaded, click.Command):
        raise TypeError(f"{entry.target} is not a command")
    return loaded
