"""The dialog that attaches a text file to the next message."""

import asyncio
from typing import Final

from textual.app import ComposeResult
from textual.widgets import Input, Static

from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.attachments import read_attachment
from rustygpt_tui.conversation.local_files import completed, typed_path
from rustygpt_tui.conversation.message_extras import MessageExtras
from rustygpt_tui.errors import UsageError
from rustygpt_tui.screens.form_dialog import FormDialog
from rustygpt_tui.store.attachment import Attachment
from rustygpt_tui.widgets.path_input import PathInput

SECONDS: Final = 10.0
"""How long reading a file may take, on a network for example."""


class AttachDialog(FormDialog[Attachment]):
    """The path of a file; dismissed with what was read."""

    HEADING = "Attach a text file"
    BUTTON = "Attach"

    def __init__(self, client: Client, extras: MessageExtras, text: str) -> None:
        """`extras` and `text` are those of the message so far."""
        super().__init__(client)
        self._extras = extras
        self._text = text

    def fields(self) -> ComposeResult:
        """Create the field of the path."""
        left = max(0, self._extras.characters_left(self._text))
        note = f"Tab completes names. {left:,} characters are left in this message."
        yield Static(note, classes="card-note", markup=False)
        yield PathInput(completed, id="path")

    async def submit(self) -> Attachment:
        """Read the file."""
        path = self.query_one("#path", Input).value
        if not path.strip():
            raise UsageError("Type the path of a file.")
        try:
            async with asyncio.timeout(SECONDS):
                attachment = await asyncio.to_thread(read_attachment, typed_path(path))
        except TimeoutError:
            raise UsageError(f"The file could not be read within {SECONDS:.0f} seconds.") from None
        check_size(self._extras, self._text, attachment)
        return attachment


def check_size(extras: MessageExtras, text: str, attachment: Attachment) -> None:
    """Raise UsageError when an attachment does not fit into the message."""
    over = -extras.with_attachment(attachment).characters_left(text)
    if over > 0:
        raise UsageError(
            f"{attachment.name} has {len(attachment.text):,} characters, "
            f"{over:,} more than are left in this message."
        )
