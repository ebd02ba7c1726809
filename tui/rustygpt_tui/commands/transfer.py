"""The commands `conversations export` and `conversations import`: files with conversations."""

import codecs
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, get_args

import click

from rustygpt_shared.models.exports import ExportFileFormat, ImportedConversation
from rustygpt_tui.client.exports import save_export
from rustygpt_tui.client.imports import imported_text, open_import
from rustygpt_tui.commands import resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.output import Columns, Output, write_bytes
from rustygpt_tui.commands.progress import Progress

FORMATS = get_args(ExportFileFormat)
IMPORTED: Columns[ImportedConversation] = {
    "ID": lambda c: str(c.conversation_id),
    "TITLE": lambda c: c.title,
    "THREADS": lambda c: c.threads,
    "MESSAGES": lambda c: c.messages,
}


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


@command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
async def import_conversations(context: CommandContext, file: Path) -> None:
    """Create conversations of your own from a file; `-` reads standard input.

    The file is an export of RustyGPT (JSON Lines or JSON), ChatGPT's conversations.json, or an
    export of Open WebUI.
    """
    opened, size = _open(file)
    with opened, Progress(context.out, "Importing", size) as progress:
        async with context.client() as client:
            await client.me()  # refreshes the session: a file is sent only once
            result = await client.import_conversations(opened, size, on_bytes=progress.on_bytes)
    if context.out.json:
        context.out.object(result)
        return
    context.out.rows(result.conversations, IMPORTED)
    context.out.note(imported_text(result))


def _open(file: Path) -> tuple[BinaryIO, int | None]:
    if str(file) == "-":
        return sys.stdin.buffer, None
    return open_import(file)


async def _print(out: Output, chunks: AsyncIterator[bytes]) -> None:
    """Write an export to standard output: as it is, or made safe for a terminal."""
    if not sys.stdout.isatty():
        async for chunk in chunks:
            write_bytes(chunk)
        return
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    async for chunk in chunks:
        out.text(decoder.decode(chunk))
