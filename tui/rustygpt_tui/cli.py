"""The program `rustygpt`: its table of commands, and how each run of it ends.

Commands are imported when they are called; the server's are in the table as text. Without a
command the terminal chat opens.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import click

from rustygpt_shared import __version__
from rustygpt_tui.commands.lazy import CommandEntry, LazyGroup
from rustygpt_tui.commands.options import common
from rustygpt_tui.errors import ClientError, Exit, NotSignedIn, PipeClosedError, UsageError

_HERE = "rustygpt_tui.commands"
_CONVERSATIONS = CommandEntry(
    "Your conversations: list, create, show, rename",
    subcommands={
        "list": CommandEntry("Your conversations", f"{_HERE}.conversations:list_conversations"),
        "create": CommandEntry("Start one", f"{_HERE}.conversations:create"),
        "show": CommandEntry("One of them", f"{_HERE}.conversations:show"),
        "rename": CommandEntry("Give one another title", f"{_HERE}.conversations:rename"),
    },
    default="list",
)
_SESSIONS = CommandEntry(
    "Your sessions: list, revoke",
    subcommands={
        "list": CommandEntry("Your sessions", f"{_HERE}.account:list_sessions"),
        "revoke": CommandEntry("End one", f"{_HERE}.account:revoke_session"),
    },
    default="list",
)
_MEMBERS = CommandEntry(
    "Who is in a conversation: list, add, remove, role",
    subcommands={
        "list": CommandEntry("Who is in it", f"{_HERE}.members:list_members"),
        "add": CommandEntry("Add a person", f"{_HERE}.members:add"),
        "remove": CommandEntry("Remove a person, or leave", f"{_HERE}.members:remove"),
        "role": CommandEntry("Give a person another role", f"{_HERE}.members:role"),
    },
)
_ADMIN = CommandEntry(
    "Administration of the server: users",
    subcommands={
        "users": CommandEntry(
            "Accounts: list, create, disable, enable, roles",
            subcommands={
                "list": CommandEntry("Every account", f"{_HERE}.admin:list_users"),
                "create": CommandEntry("Make an account", f"{_HERE}.admin:create"),
                "disable": CommandEntry("Keep a person out", f"{_HERE}.admin:disable"),
                "enable": CommandEntry("Let a person in again", f"{_HERE}.admin:enable"),
                "roles": CommandEntry("Give an account other roles", f"{_HERE}.admin:roles"),
            },
            default="list",
        )
    },
)
COMMANDS: dict[str, CommandEntry] = {
    "tui": CommandEntry("Open the terminal chat", "rustygpt_tui.cli:tui"),
    "setup": CommandEntry("Name a new server's first administrator", f"{_HERE}.account:setup"),
    "login": CommandEntry("Sign in", f"{_HERE}.account:login"),
    "me": CommandEntry("Who is signed in", f"{_HERE}.account:me"),
    "logout": CommandEntry("Sign out", f"{_HERE}.account:logout"),
    "sessions": _SESSIONS,
    "conversations": _CONVERSATIONS,
    "conv": replace(_CONVERSATIONS, summary="Short for conversations"),
    "members": _MEMBERS,
    "users": CommandEntry("Find people", f"{_HERE}.members:users"),
    "threads": CommandEntry("The threads of a conversation", f"{_HERE}.reading:threads"),
    "chat": CommandEntry("Read a conversation, and chat line by line", f"{_HERE}.chat:chat"),
    "unread": CommandEntry("What you have not read", f"{_HERE}.reading:unread"),
    "read": CommandEntry("Mark a thread as read", f"{_HERE}.reading:read"),
    "post": CommandEntry("Start a thread", f"{_HERE}.writing:post"),
    "reply": CommandEntry("Answer a message", f"{_HERE}.writing:reply"),
    "ask": CommandEntry("Ask, and print the assistant's answer", f"{_HERE}.ask:ask"),
    "cancel": CommandEntry("Stop an answer", f"{_HERE}.writing:cancel"),
    "follow": CommandEntry("Print what happens as it happens", f"{_HERE}.follow:follow"),
    "admin": _ADMIN,
    "serve": CommandEntry("Run the server", "rustygpt_server.cli:serve", requires="sanic"),
    "config": CommandEntry(
        "Show and check the settings", "rustygpt_server.cli:config", requires="sanic"
    ),
    "completion": CommandEntry("Complete words in a shell", f"{_HERE}.completion:completion"),
}


@click.group(cls=LazyGroup, entries=COMMANDS, invoke_without_command=True)
@click.version_option(__version__, message="%(version)s")
@click.option("--json", is_flag=True, hidden=True)
@click.option("--local", is_flag=True, help="Open the chat with a server of your own.")
@common
@click.pass_context
def program(context: click.Context, /, local: bool, config: Path | None, **_: Any) -> int | None:
    """Threaded group chat with an assistant. Without a command the chat opens."""
    if context.invoked_subcommand is not None:
        # The server's commands read --config themselves, wherever it stood.
        above = {"config": config, "file": config}
        context.default_map = {"serve": above, "config": {"show": above, "check": above}}
        return None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo(context.get_help(), err=True)
        return Exit.USAGE
    return _open(context, {}, local=local)


@click.command("tui")
@click.option("--local", is_flag=True, help="With a server of your own, started if need be.")
@common
@click.pass_context
def tui(context: click.Context, /, local: bool, **values: Any) -> int:
    """Open the terminal chat."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("The chat needs a terminal; for scripts there are the other commands.")
    return _open(context, values, local=local or context.find_root().params["local"])


def _open(context: click.Context, values: dict[str, Any], *, local: bool) -> int:
    from rustygpt_tui.app import run as run_app
    from rustygpt_tui.commands.base import context_of

    command_context = context_of(context, values)
    return run_app(
        command_context.loaded,
        server=command_context.server,
        account=command_context.account,
        local=local,
    )


def main() -> NoReturn:
    """Run the program on the command line's words, and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; answers the exit code, having told on standard error what went wrong."""
    try:
        result = program.main(list(arguments), prog_name="rustygpt", standalone_mode=False)
        return result if isinstance(result, int) else Exit.DONE
    except ClientError as failure:
        _report(failure, arguments)
        return failure.exit_code
    except click.ClickException as mistake:
        if "--json" in arguments:
            _report(UsageError(mistake.format_message()), arguments)
        else:
            mistake.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except PipeClosedError:
        # What Python still wants to write at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PIPE_CLOSED


def _report(failure: ClientError, arguments: Sequence[str]) -> None:
    from rustygpt_tui.commands.output import report

    if isinstance(failure, NotSignedIn) and "login" not in arguments:
        failure = NotSignedIn(
            f"{failure.sentence.rstrip('.')}; sign in with `rustygpt login`.",
            code=failure.code,
            request_id=failure.request_id,
        )
    report(failure, json="--json" in arguments)
