"""The command `models`: which models may be chosen."""

from rustygpt_shared.models.assistant import ModelInfo
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.output import Columns

MODELS: Columns[ModelInfo] = {
    "MODEL": lambda m: m.id,
    "PROVIDER": lambda m: m.provider,
    "CONTEXT": lambda m: m.context_tokens,
    "DEFAULT": lambda m: m.is_default,
}


@command("models")
async def list_models(context: CommandContext) -> None:
    """List the models that may be chosen for a conversation or a message, the default first."""
    async with context.client() as client:
        context.out.rows((await client.list_models()).models, MODELS)
