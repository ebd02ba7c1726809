"""The option `--model`: completed by the shell, and explained when the server has no such model."""

import asyncio
import difflib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import click
from click.shell_completion import CompletionItem

from rustygpt_shared.problems import VALIDATION
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.printable import one_line
from rustygpt_tui.commands.base import context_of
from rustygpt_tui.commands.options import COMMON
from rustygpt_tui.errors import NotFound, ServerRejected

F = TypeVar("F", bound=Callable[..., Any])

COMPLETION_SECONDS: Final = 1.0
"""How long the shell waits for the names: a person has pressed a key."""
_NEAR_NAMES: Final = 3
_LEAST_SIMILARITY: Final = 0.4


def model_option(help_text: str) -> Callable[[F], F]:
    """Add --model, whose names the shell completes."""
    return click.option("--model", help=help_text, shell_complete=complete_models)


def complete_models(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the names that begin with a text; none when the server does not list them in time."""
    try:
        names = asyncio.run(_names(context))
    except Exception:  # noqa: BLE001 - the shell shows nothing else than names
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


async def _names(context: click.Context) -> list[str]:
    values = {name: context.params.get(name) for name in COMMON}
    command_context = context_of(context, {**values, "quiet": True})
    async with asyncio.timeout(COMPLETION_SECONDS), Client(command_context.session()) as client:
        return [one_line(model.id) for model in (await client.list_models()).models]


@asynccontextmanager
async def explained(client: Client, model: str | None) -> AsyncIterator[None]:
    """Raise NotFound with names like `model` when the server refuses a request that has it."""
    try:
        yield
    except ServerRejected as error:
        if model is None or error.code != VALIDATION:
            raise
        names = [listed.id for listed in (await client.list_models()).models]
        if model in names:
            raise
        raise NotFound(_sentence(model, names), code=error.code) from None


def _sentence(model: str, names: list[str]) -> str:
    """Return what is wrong, and the models that may be meant."""
    by_key = {name.casefold(): name for name in names}
    key = model.casefold()
    near = [by_key[name] for name in by_key if key in name]
    similar = difflib.get_close_matches(key, by_key, _NEAR_NAMES, _LEAST_SIMILARITY)
    near += [by_key[name] for name in similar if by_key[name] not in near]
    hint = f"did you mean {' or '.join(near[:_NEAR_NAMES])}?" if near else "see `rustygpt models`."
    return f"There is no model {model!r} at this server; {hint}"
