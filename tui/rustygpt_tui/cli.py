"""The program `rustygpt`: its table of commands, and the exit code of each run.

Commands are imported when they are called; the table names those of the server as text, so that it
need not be installed. Without a command, the program opens the terminal chat.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rustygpt_shared import __version__
from rustygpt_tui.commands.lazy import CommandEntry, LazyGroup
from rustygpt_tui.commands.options import common
from rustygpt_tui.errors import (
    ClientError,
    Exit,
    NotSignedIn,
    PipeClosedError,
    Terminated,
    UsageError,
)
from rustygpt_tui.standard_streams import replace_standard_streams

if TYPE_CHECKING:
    from rustygpt_tui.conversation.links import Link

_COMMANDS = "rustygpt_tui.commands"
_ADMIN_LIMITS = f"{_COMMANDS}.admin_limits"
_CONVERSATIONS = CommandEntry(
    "Your conversations: list, create, show, rename, archive, delete, leave, export, import",
    subcommands={
        "list": CommandEntry(
            "List your conversations", f"{_COMMANDS}.conversations:list_conversations"
        ),
        "create": CommandEntry(
            "Create a conversation", f"{_COMMANDS}.conversations:create_conversation"
        ),
        "show": CommandEntry("Show a conversation", f"{_COMMANDS}.conversations:show_conversation"),
        "rename": CommandEntry(
            "Change the title of a conversation", f"{_COMMANDS}.conversations:rename_conversation"
        ),
        "archive": CommandEntry(
            "Archive a conversation", f"{_COMMANDS}.conversations:archive_conversation"
        ),
        "unarchive": CommandEntry(
            "Put it back into the lists", f"{_COMMANDS}.conversations:unarchive_conversation"
        ),
        "delete": CommandEntry(
            "Delete a conversation", f"{_COMMANDS}.conversations:delete_conversation"
        ),
        "leave": CommandEntry(
            "Leave a conversation", f"{_COMMANDS}.conversations:leave_conversation"
        ),
        "export": CommandEntry(
            "Save a conversation in a file", f"{_COMMANDS}.transfer:export_conversation"
        ),
        "import": CommandEntry(
            "Create conversations from a file", f"{_COMMANDS}.transfer:import_conversations"
        ),
    },
    default="list",
)
_SESSIONS = CommandEntry(
    "Your sessions: list, revoke",
    subcommands={
        "list": CommandEntry("List your sessions", f"{_COMMANDS}.account:list_sessions"),
        "revoke": CommandEntry("End a session", f"{_COMMANDS}.account:end_session"),
    },
    default="list",
)
_TOKENS = CommandEntry(
    "Your personal tokens: list, create, revoke",
    subcommands={
        "list": CommandEntry("List your tokens", f"{_COMMANDS}.tokens:list_tokens"),
        "create": CommandEntry("Create a token", f"{_COMMANDS}.tokens:create_token"),
        "revoke": CommandEntry("Revoke a token", f"{_COMMANDS}.tokens:revoke_token"),
    },
    default="list",
)
_MEMBERS = CommandEntry(
    "The participants of a conversation: list, add, remove, role",
    subcommands={
        "list": CommandEntry("List the participants", f"{_COMMANDS}.members:list_members"),
        "add": CommandEntry("Add a user", f"{_COMMANDS}.members:add_participant"),
        "remove": CommandEntry(
            "Remove a user, or leave", f"{_COMMANDS}.members:remove_participant"
        ),
        "role": CommandEntry("Change a participant's role", f"{_COMMANDS}.members:set_role"),
    },
)
_INVITES = CommandEntry(
    "Invites to conversations: list, create, accept, revoke",
    subcommands={
        "list": CommandEntry("List a conversation's invites", f"{_COMMANDS}.invites:list_invites"),
        "create": CommandEntry("Invite somebody", f"{_COMMANDS}.invites:create_invite"),
        "accept": CommandEntry("Join by an invite", f"{_COMMANDS}.invites:accept_invite"),
        "revoke": CommandEntry("Revoke an invite", f"{_COMMANDS}.invites:revoke_invite"),
    },
)
_LIMITS = CommandEntry(
    "Rate limits: profiles, assignments",
    subcommands={
        "profiles": CommandEntry(
            "Named rates: list, create, update, delete",
            subcommands={
                "list": CommandEntry("List the profiles", f"{_ADMIN_LIMITS}:list_profiles"),
                "create": CommandEntry("Create a profile", f"{_ADMIN_LIMITS}:create_profile"),
                "update": CommandEntry("Change a profile", f"{_ADMIN_LIMITS}:update_profile"),
                "delete": CommandEntry("Delete a profile", f"{_ADMIN_LIMITS}:delete_profile"),
            },
            default="list",
        ),
        "assignments": CommandEntry(
            "Which profiles limit which routes: list, create, delete",
            subcommands={
                "list": CommandEntry("List the assignments", f"{_ADMIN_LIMITS}:list_assignments"),
                "create": CommandEntry(
                    "Assign a profile to routes", f"{_ADMIN_LIMITS}:create_assignment"
                ),
                "delete": CommandEntry(
                    "Delete an assignment", f"{_ADMIN_LIMITS}:delete_assignment"
                ),
            },
            default="list",
        ),
    },
    default="profiles",
)
_ADMIN = CommandEntry(
    "Administration of the server: users, limits, audit, retention",
    subcommands={
        "audit": CommandEntry(
            "List who did what, when and from where", f"{_COMMANDS}.admin_audit:list_audit"
        ),
        "retention": CommandEntry(
            "For how long things are kept: show, set",
            subcommands={
                "show": CommandEntry("Show it", f"{_COMMANDS}.admin_audit:show_retention"),
                "set": CommandEntry("Change it", f"{_COMMANDS}.admin_audit:set_retention"),
            },
            default="show",
        ),
        "limits": _LIMITS,
        "users": CommandEntry(
            "Accounts: list, create, disable, enable, sign-out, roles",
            subcommands={
                "list": CommandEntry("List every account", f"{_COMMANDS}.admin:list_users"),
                "create": CommandEntry("Create an account", f"{_COMMANDS}.admin:create_user"),
                "disable": CommandEntry("Disable an account", f"{_COMMANDS}.admin:disable_user"),
                "enable": CommandEntry("Enable an account", f"{_COMMANDS}.admin:enable_user"),
                "sign-out": CommandEntry(
                    "End all sessions of an account", f"{_COMMANDS}.admin:end_user_sessions"
                ),
                "roles": CommandEntry("Replace an account's roles", f"{_COMMANDS}.admin:set_roles"),
            },
            default="list",
        ),
    },
)
COMMANDS: dict[str, CommandEntry] = {
    "tui": CommandEntry("Open the terminal chat", "rustygpt_tui.cli:tui"),
    "setup": CommandEntry(
        "Create a new server's first administrator", f"{_COMMANDS}.account:set_up"
    ),
    "login": CommandEntry("Sign in", f"{_COMMANDS}.account:log_in"),
    "register": CommandEntry(
        "Create an account for yourself", f"{_COMMANDS}.registration:register"
    ),
    "me": CommandEntry("Show who is signed in", f"{_COMMANDS}.account:show_me"),
    "password": CommandEntry("Change your password", f"{_COMMANDS}.account:change_password"),
    "logout": CommandEntry("Sign out", f"{_COMMANDS}.account:log_out"),
    "sessions": _SESSIONS,
    "tokens": _TOKENS,
    "conversations": _CONVERSATIONS,
    "conv": replace(_CONVERSATIONS, summary="Short for conversations"),
    "members": _MEMBERS,
    "invites": _INVITES,
    "users": CommandEntry("Search users", f"{_COMMANDS}.members:search_users"),
    "threads": CommandEntry(
        "List the threads of a conversation", f"{_COMMANDS}.reading:list_threads"
    ),
    "chat": CommandEntry("Read a conversation, and chat line by line", f"{_COMMANDS}.chat:chat"),
    "search": CommandEntry("Find messages by words", f"{_COMMANDS}.search:search_messages"),
    "open": CommandEntry("Open or print the message of a link", "rustygpt_tui.cli:open_place"),
    "unread": CommandEntry("List threads with unread messages", f"{_COMMANDS}.reading:list_unread"),
    "read": CommandEntry("Mark a thread as read", f"{_COMMANDS}.reading:mark_read"),
    "post": CommandEntry("Start a thread", f"{_COMMANDS}.writing:post"),
    "reply": CommandEntry("Reply to a message", f"{_COMMANDS}.writing:reply"),
    "ask": CommandEntry("Ask, and print the assistant's answer", f"{_COMMANDS}.ask:ask"),
    "regenerate": CommandEntry("Generate another answer", f"{_COMMANDS}.ask:regenerate"),
    "edit": CommandEntry("Replace the text of a message", f"{_COMMANDS}.message_changes:edit"),
    "delete": CommandEntry("Delete a message", f"{_COMMANDS}.message_changes:delete"),
    "restore": CommandEntry("Restore a deleted message", f"{_COMMANDS}.message_changes:restore"),
    "revisions": CommandEntry(
        "List the earlier texts of a message", f"{_COMMANDS}.message_changes:list_revisions"
    ),
    "cancel": CommandEntry("Stop an answer", f"{_COMMANDS}.writing:cancel"),
    "models": CommandEntry("List the models that answer", f"{_COMMANDS}.models:list_models"),
    "usage": CommandEntry("List the tokens that were used", f"{_COMMANDS}.usage:list_usage"),
    "follow": CommandEntry("Print events as they happen", f"{_COMMANDS}.follow:follow"),
    "admin": _ADMIN,
    "serve": CommandEntry("Run the server", "rustygpt_server.cli:serve", requires="sanic"),
    "backup": CommandEntry(
        "Write the database to a file", "rustygpt_server.cli:backup", requires="sanic"
    ),
    "restore-backup": CommandEntry(
        "Restore a backup into an empty database",
        "rustygpt_server.cli:restore_backup",
        requires="sanic",
    ),
    "doctor": CommandEntry(
        "Check the database and the last backup", "rustygpt_server.cli:doctor", requires="sanic"
    ),
    "config": CommandEntry(
        "Show and check the settings", "rustygpt_server.cli:config", requires="sanic"
    ),
    "spec": CommandEntry(
        "Write the OpenAPI document", "rustygpt_server.cli:spec", requires="sanic"
    ),
    "completion": CommandEntry(
        "Print a shell's completion script", f"{_COMMANDS}.completion:completion"
    ),
}


@click.group(cls=LazyGroup, entries=COMMANDS, invoke_without_command=True)
@click.version_option(__version__, message="%(version)s")
@click.option("--json", is_flag=True, hidden=True)
@click.option("--local", is_flag=True, help="Open the chat with a server on this machine.")
@common
@click.pass_context
def program(context: click.Context, /, local: bool, config: Path | None, **_: Any) -> int | None:
    """Threaded group chat with an assistant. Without a command, open the terminal chat."""
    if context.invoked_subcommand is not None:
        # The server's commands have their own --config; pass on the one before the command's name.
        context.default_map = {
            "serve": {"config": config},
            "spec": {"config": config},
            "config": {"show": {"file": config}, "check": {"file": config}},
        }
        return None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo(context.get_help(), err=True)
        return Exit.USAGE
    return _open(context, {}, local=local)


@click.command("tui")
@click.option("--local", is_flag=True, help="With a server on this machine, started if none runs.")
@common
@click.pass_context
def tui(context: click.Context, /, local: bool, **values: Any) -> int:
    """Open the terminal chat."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("The chat needs a terminal; scripts can use the other commands.")
    return _open(context, values, local=local or context.find_root().params["local"])


@click.command("open")
@click.argument("place", metavar="URL|ID")
@click.option("--json", is_flag=True, help="Print JSON.")
@common
@click.pass_context
def open_place(context: click.Context, /, place: str, **values: Any) -> int:
    """Open the terminal chat at a message; without a terminal, or with --json, print it."""
    from rustygpt_tui.commands import search
    from rustygpt_tui.commands.base import context_of
    from rustygpt_tui.commands.interrupts import run_interruptible

    command_context = context_of(context, dict(values))
    found = asyncio.run(run_interruptible(search.find_place(command_context, place)))
    if command_context.out.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        search.print_place(command_context, found)
        return Exit.DONE
    return _open(context, values, local=False, at=search.place_link(found))


def _open(
    context: click.Context, values: dict[str, Any], *, local: bool, at: "Link | None" = None
) -> int:
    from rustygpt_tui.app import run as run_app
    from rustygpt_tui.commands.base import context_of

    command_context = context_of(context, values)
    return run_app(
        command_context.loaded,
        server=command_context.server,
        account=command_context.account,
        local=local,
        config_file=command_context.config,
        at=at,
    )


def main() -> NoReturn:
    """Run the program with the arguments of the process, and exit."""
    replace_standard_streams()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; errors are written to standard error."""
    try:
        result = program.main(list(arguments), prog_name="rustygpt", standalone_mode=False)
        return result if isinstance(result, int) else Exit.DONE
    except ClientError as error:
        _report(error, arguments)
        return error.exit_code
    except click.ClickException as error:
        if "--json" in arguments:
            _report(UsageError(error.format_message()), arguments)
        else:
            error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except PipeClosedError:
        return Exit.PIPE_CLOSED
    except Terminated as ended:
        return ended.exit_code


def _report(error: ClientError, arguments: Sequence[str]) -> None:
    from rustygpt_shared.problems import INVALID_CREDENTIALS
    from rustygpt_tui.client.session import token_in
    from rustygpt_tui.commands.output import report

    may_sign_in = "login" not in arguments and not token_in(os.environ)
    if isinstance(error, NotSignedIn) and may_sign_in and error.code != INVALID_CREDENTIALS:
        error = NotSignedIn(
            f"{error.sentence.rstrip('.')}; sign in with `rustygpt login`.",
            code=error.code,
            request_id=error.request_id,
        )
    report(error, json="--json" in arguments)
