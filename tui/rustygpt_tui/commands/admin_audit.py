"""The commands `admin audit` and `admin retention`, for administrators."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from rustygpt_shared.codec import encode
from rustygpt_shared.models.audit import AuditEntry
from rustygpt_shared.models.retention import ConversationRetention, Retention
from rustygpt_shared.requests import SetRetention
from rustygpt_tui.client.audit import AuditQuery
from rustygpt_tui.client.http import Client
from rustygpt_tui.commands import resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request
from rustygpt_tui.commands.output import Columns
from rustygpt_tui.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

_BATCH = 200
FOREVER = "forever"
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S%z"]

ENTRIES: Columns[AuditEntry] = {
    "TIME": lambda e: e.created_at,
    "ACTION": lambda e: e.action,
    "BY": lambda e: e.actor_name,
    "FROM": lambda e: e.address,
    "TARGET": lambda e: e.target_name or _id_of_target(e),
    "DETAILS": lambda e: encode(e.details).decode() if e.details else None,
}
CONVERSATIONS: Columns[ConversationRetention] = {
    "CONVERSATION": lambda c: str(c.conversation_id),
    "MESSAGES": lambda c: _days(c.messages_days, "as the server"),
    "DELETED MESSAGES": lambda c: _days(c.deleted_messages_days, "as the server"),
}


class _Days(click.ParamType[int]):
    """A number of days from 1 on; `forever` is 0."""

    name = "days"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Return the number; fail for anything else."""
        if value in (0, FOREVER):
            return 0
        if not str(value).isdecimal() or int(value) == 0:
            self.fail(f"{value!r} is not a number of days; or write {FOREVER}.", param, ctx)
        return int(value)


def _days_option(name: str, text: str) -> Callable[[F], F]:
    return click.option(name, type=_Days(), metavar=f"DAYS|{FOREVER}", help=text)


@command("audit")
@click.option("--action", help="An action, or its topic: the part before the dot.")
@click.option("--by", metavar="U", help="Only what this account did.")
@click.option("--target", metavar="U|ID", help="Only what was done to this account, or this id.")
@click.option("--conversation", metavar="C", help="Only what was done in this conversation.")
@click.option("--since", type=click.DateTime(_TIMES), help="From this time on.")
@click.option("--until", type=click.DateTime(_TIMES), help="Before this time.")
@click.option("--limit", type=click.IntRange(min=0), default=50, help="Default: 50; 0 is all.")
async def list_audit(
    context: CommandContext,
    *,
    action: str | None,
    by: str | None,
    target: str | None,
    conversation: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> None:
    """List who did what, when and from where, latest first. Times without a zone are local."""
    async with context.client() as client:
        in_conversation = await resolve.conversation(client, conversation) if conversation else None
        query = AuditQuery(
            action=action,
            actor=str(await resolve.account(client, by)) if by else None,
            target=str(await resolve.account(client, target)) if target else None,
            conversation_id=str(in_conversation) if in_conversation else None,
            since=since.astimezone().isoformat() if since else None,
            until=until.astimezone().isoformat() if until else None,
        )
        await _print_entries(context, client.all_audit(query), limit)


async def _print_entries(
    context: CommandContext, entries: AsyncIterator[AuditEntry], limit: int
) -> None:
    """Print up to `limit` entries, page by page, so that a long log needs little memory."""
    batch: list[AuditEntry] = []
    count = 0
    async for entry in entries:
        batch.append(entry)
        count += 1
        if count == limit:
            break
        if len(batch) == _BATCH and not context.out.on_terminal:
            context.out.rows(batch, ENTRIES)
            batch.clear()
    context.out.rows(batch, ENTRIES)


@command("show")
async def show_retention(context: CommandContext) -> None:
    """Show for how many days things are kept, and which conversations differ."""
    async with context.client() as client:
        await _print(context, client, await client.show_retention())


@command("set")
@click.option("--conversation", metavar="C", help="Change this conversation's instead.")
@_days_option("--messages", "Texts of messages, since they were written.")
@_days_option("--deleted-messages", "Texts of deleted messages, since the deletion.")
@_days_option("--events", "Events for streams that reconnect; at most as the settings say.")
@_days_option("--audit", "The audit log; at least 30.")
@click.option("--dry-run", is_flag=True, help="Change nothing; count what would be deleted.")
async def set_retention(
    context: CommandContext,
    *,
    conversation: str | None,
    messages: int | None,
    deleted_messages: int | None,
    events: int | None,
    audit: int | None,
    dry_run: bool,
) -> None:
    """Change for how many days things are kept; what is not given stays as it is.

    In a conversation `forever` means: as the server.
    """
    days = {
        "messages_days": messages,
        "deleted_messages_days": deleted_messages,
        "events_days": events,
        "audit_days": audit,
    }
    given = {name: value or None for name, value in days.items() if value is not None}
    if not dry_run and not given:
        raise UsageError("Nothing is to be changed; give --messages, --audit or the like.")
    async with context.client() as client:
        conversation_id = conversation and await resolve.conversation(client, conversation)
        request = build_request(
            SetRetention, conversation_id=conversation_id or None, dry_run=dry_run, **given
        )
        await _print(context, client, await client.set_retention(request))


async def _print(context: CommandContext, client: Client, retention: Retention) -> None:
    if context.out.json:
        context.out.object(retention)
        return
    fields: dict[str, str | int] = {
        "Messages": _days(retention.messages_days, FOREVER),
        "Deleted messages": _days(retention.deleted_messages_days, FOREVER),
        "Events": _days(retention.events_days, "as the settings say"),
        "Audit log": _days(retention.audit_days, FOREVER),
    }
    if retention.expired:
        counts = retention.expired
        fields = {
            "Messages": counts.messages,
            "Deleted messages": counts.deleted_messages,
            "Events": counts.events,
            "Audit entries": counts.audit_entries,
        }
        context.out.note("Nothing was changed. This would be deleted:")
    context.out.record(retention, fields)
    if retention.conversations and not retention.expired:
        listed = [c async for c in client.all_conversation_retention()]
        context.out.rows(listed, CONVERSATIONS)


def _days(days: int | None, without: str) -> str:
    return without if days is None else f"{days} days"


def _id_of_target(entry: AuditEntry) -> str | None:
    return f"{entry.target_kind} {entry.target_id}" if entry.target_id else None
