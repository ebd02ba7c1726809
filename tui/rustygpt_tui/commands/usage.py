"""The command `usage`: how many tokens were used."""

from datetime import datetime
from typing import Final

import click

from rustygpt_shared.models.assistant import TokenBudget, UsageEntry, UsageReport
from rustygpt_tui.client.usage import UsageQuery
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.output import Columns
from rustygpt_tui.errors import UsageError

_DAYS: Final = click.DateTime(["%Y-%m-%d"])
_EVERYONE: Final = "all"

ENTRIES: Columns[UsageEntry] = {
    "DAY": lambda e: e.day.isoformat(),
    "USER": lambda e: e.username,
    "MODEL": lambda e: e.model,
    "ANSWERS": lambda e: e.answers,
    "PROMPT": lambda e: e.prompt_tokens,
    "COMPLETION": lambda e: e.completion_tokens,
    "TOTAL": lambda e: e.total_tokens,
    "ESTIMATED": lambda e: e.estimated_tokens,
}


@command("usage")
@click.option("--user", metavar="U", help="Of this account; for administrators.")
@click.option("--all", "everyone", is_flag=True, help="Of all accounts; for administrators.")
@click.option("--since", metavar="DAY", type=_DAYS, help="From this day on (UTC).")
@click.option("--until", metavar="DAY", type=_DAYS, help="Up to this day (UTC).")
async def list_usage(
    context: CommandContext,
    *,
    user: str | None,
    everyone: bool,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """List the tokens that you have used, per day (UTC) and model, and your budget of today."""
    if user and everyone:
        raise UsageError("--user and --all cannot be combined.")
    query = UsageQuery(
        user=_EVERYONE if everyone else user,
        since=since.date().isoformat() if since else None,
        until=until.date().isoformat() if until else None,
    )
    async with context.client() as client:
        reports = [report async for report in client.usage_pages(query)]
    entries = [entry for report in reports for entry in report.usage]
    budget = reports[0].budget
    if context.out.json:
        context.out.object(UsageReport(entries, budget))
        return
    context.out.rows(entries, ENTRIES)
    if budget:
        context.out.note(_budget_text(budget))


def _budget_text(budget: TokenBudget) -> str:
    return (
        f"You have used {budget.used_tokens:,} of the {budget.daily_tokens:,} tokens of today; "
        "the budget is renewed at 00:00 UTC."
    )
