"""What all commands share: the common options, the call they make of them, and how they run."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from rustygpt_shared.settings.load import Key, LoadedSettings
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.commands.options import COMMON, common
from rustygpt_tui.commands.output import Output
from rustygpt_tui.config import load_settings, session_file


@dataclass
class CommandContext:
    """One run of a command: its common options, and what they lead to."""

    out: Output
    server: str | None
    account: str | None
    config: Path | None
    no_input: bool

    @functools.cached_property
    def loaded(self) -> LoadedSettings:
        """The settings; raises UsageError."""
        flags: dict[Key, Any] = {("cli", "server"): self.server} if self.server else {}
        return load_settings(self.config, flags)

    @property
    def sessions(self) -> SessionFile:
        """The file with the sessions."""
        return SessionFile(session_file(self.loaded))

    def session(self) -> Session:
        """The session of the account at the server; raises UsageError."""
        server = self.loaded.settings.cli.server
        names = self.loaded.settings.security.csrf
        return Session(
            server, file=self.sessions, account=self.account, csrf_cookie=names.cookie_name
        )

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """The server, as the account sees it."""
        header = self.loaded.settings.security.csrf.header_name
        async with Client(self.session(), csrf_header=header) as client:
            yield client


def command(
    name: str, *, json: bool = True
) -> Callable[[Callable[..., Coroutine[Any, Any, None]]], click.Command]:
    """Make a coroutine, whose first argument is the `Call`, a command with the common options.

    They may stand before the command's name as well. `json` adds `--json`.
    """

    def wrap(function: Callable[..., Coroutine[Any, Any, None]]) -> click.Command:
        @functools.wraps(function)
        def callback(**values: Any) -> None:
            call = context_of(click.get_current_context(), values)
            asyncio.run(function(call, **values))

        if json:
            click.option("--json", is_flag=True, help="Print JSON.")(callback)
        return click.command(name)(common(callback))

    return wrap


def context_of(context: click.Context, values: dict[str, Any]) -> CommandContext:
    """The call that a command's options make, with those before its name; takes them away."""
    above = context.find_root().params
    own = {name: values.pop(name, None) or above.get(name) for name in (*COMMON, "json")}
    out = Output(json=bool(own["json"]), quiet=bool(own["quiet"]))
    return CommandContext(out, own["server"], own["account"], own["config"], bool(own["no_input"]))
