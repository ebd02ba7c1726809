"""The basis of all commands: the common options, their context, and how a command runs."""

import asyncio
import functools
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from rustygpt_shared.settings.load import Key, LoadedSettings
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import TOKEN_VARIABLE, Session, open_session, token_in
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.commands.interrupts import run_interruptible
from rustygpt_tui.commands.options import COMMON, common
from rustygpt_tui.commands.output import Output
from rustygpt_tui.config import load_settings, session_file
from rustygpt_tui.errors import NotFound, UsageError


@dataclass
class CommandContext:
    """The context of one run of a command: its common options, and what is built from them."""

    out: Output
    server: str | None
    account: str | None
    config: Path | None
    no_input: bool

    @functools.cached_property
    def loaded(self) -> LoadedSettings:
        """The settings; raises UsageError when they are invalid."""
        flags: dict[Key, Any] = {("cli", "server"): self.server} if self.server else {}
        return load_settings(self.config, flags)

    @property
    def sessions(self) -> SessionFile:
        """The file with the saved sessions."""
        return SessionFile(session_file(self.loaded))

    def session(self) -> Session:
        """Return the session at the server: that of RUSTYGPT_TOKEN, else the account's saved one.

        Raises UsageError when it cannot be read.
        """
        return open_session(
            self.loaded.settings.cli.server,
            os.environ,
            file=self.sessions,
            account=self.account,
            csrf_cookie=self.loaded.settings.security.csrf.cookie_name,
            on_unsaved=self.out.note,
        )

    def reject_token(self) -> None:
        """Raise UsageError if the environment has a token: no other session would be used."""
        if token_in(os.environ):
            raise UsageError(f"{TOKEN_VARIABLE} is set and signs every command in; unset it first.")

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Open a client with the account's session."""
        header = self.loaded.settings.security.csrf.header_name
        session = self.session()
        async with Client(session, csrf_header=header, on_wait=self._note_wait) as client:
            try:
                yield client
            except NotFound:
                await client.check_sign_in_is_on()
                raise

    def _note_wait(self, text: str, _seconds: float) -> None:
        self.out.note(text)


def command(
    name: str, *, json: bool = True
) -> Callable[[Callable[..., Coroutine[Any, Any, None]]], click.Command]:
    """Turn a coroutine into a command with the common options; `json` adds `--json`.

    The coroutine's first argument is the `CommandContext`. The common options may also be given
    before the command's name.
    """

    def wrap(function: Callable[..., Coroutine[Any, Any, None]]) -> click.Command:
        @functools.wraps(function)
        def callback(**values: Any) -> None:
            context = context_of(click.get_current_context(), values)
            asyncio.run(run_interruptible(function(context, **values)))

        if json:
            click.option("--json", is_flag=True, help="Print JSON.")(callback)
        return click.command(name)(common(callback))

    return wrap


def context_of(context: click.Context, values: dict[str, Any]) -> CommandContext:
    """Return the context of a command, and remove the common options from its `values`.

    Options after the command's name override those before it.
    """
    before_name = context.find_root().params
    common_values = {n: values.pop(n, None) or before_name.get(n) for n in (*COMMON, "json")}
    return CommandContext(
        out=Output(json=bool(common_values["json"]), quiet=bool(common_values["quiet"])),
        server=common_values["server"],
        account=common_values["account"],
        config=common_values["config"],
        no_input=bool(common_values["no_input"]),
    )
