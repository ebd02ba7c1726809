"""The commands `conversations export` and `conversations import`: files with conversations."""

import codecs
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import click

from rustygpt_shared.models.exports import ExportFileFormat
from rustygpt_tui.client.exports import save_export
from rustygpt_tui.commands import resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.output import Output, write_bytes
from rustygpt_tui.commands.progress import Progress

FORMATS = get_args(ExportFileFormat)


@command("export", json=False)
@click.argument("conversation", metavar="C")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    default="jsonl",
    help="Default: jsonl, which can be imported again.",
)
@click.option("--root", metavar="R", help="Export only this thread.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="The file to write."
)
async def export_conversation(
    context: CommandContext,
    conversation: str,
    file_format: ExportFileFormat,
    root: str | None,
    output: Path | None,
) -> None:
    """Export a conversation to a file, or to standard output.

    The file appears when it is complete, and replaces one of that name.
    """
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        root_id = await resolve.root(client, root) if root else None
        opening = client.export_conversation(conversation_id, file_format, root_id)
        async with opening as chunks:
            if output is None or str(output) == "-":
                await _print(context.out, chunks)
                return
            with Progress(context.out, "Exporting") as progress:
                await save_export(chunks, output, on_bytes=progress.on_bytes, overwrite=True)
    context.out.note(f"Exported to {output}.")


async def _print(out: Output, chunks: AsyncIterator[bytes]) -> None:
    """Write an export to standard output: as it is, or made safe for a terminal."""
    if not sys.stdout.isatty():
        async for chunk in chunks:
            write_bytes(chunk)
        return
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    async for chunk in chunks:
        out.text(decoder.decode(chunk))
