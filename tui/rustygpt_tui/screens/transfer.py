"""The dialogs that export the open conversation to a file, and import conversations from one."""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar, cast
from uuid import UUID

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Input, Select, Static

from rustygpt_shared.models.exports import ExportFileFormat, ImportResult
from rustygpt_tui.client.exports import SUFFIXES, progress_text, save_export
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.imports import imported_text, open_import
from rustygpt_tui.conversation.conversation_controller import ConversationController
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.confirm_dialogs import ConfirmDialog
from rustygpt_tui.screens.form_dialog import FormDialog
from rustygpt_tui.widgets.controls import Button

T = TypeVar("T")

_FORMATS: Final[tuple[tuple[str, ExportFileFormat], ...]] = (
    ("JSON Lines, to import it again", "jsonl"),
    ("JSON, one document", "json"),
    ("Markdown, to read it", "markdown"),
)
_INTERVAL: Final = 0.2
_NAME_CHARACTERS: Final = 60


class TransferDialog(FormDialog[T]):
    """A form whose request takes long: it shows how far it is, and closing it cancels it."""

    _shown_at = 0.0

    def progress_line(self) -> Static:
        """Create the line that shows how far it is."""
        line = Static("", id="progress", classes="card-note", markup=False)
        line.display = False
        return line

    def show_progress(self, verb: str, count: int, total: int | None = None) -> None:
        """Show how many bytes have been transferred; not more often than anybody can read."""
        now = time.monotonic()
        if now - self._shown_at >= _INTERVAL:
            self._shown_at = now
            line = self.query_one("#progress", Static)
            line.update(progress_text(verb, count, total))
            line.display = True

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Cancel what is under way."""
        if event.button.id == "cancel" and self._is_sending:
            self._cancel()

    async def action_dismiss(self, result: T | None = None) -> None:
        """Close the dialog, and cancel what is under way."""
        if self._is_sending:
            self._cancel()
        else:
            self.dismiss(result)

    def _cancel(self) -> None:
        self.workers.cancel_group(self, "form")
        self.dismiss(None)

    def path(self) -> Path:
        """Return the path that was typed."""
        text = self.query_one("#path", Input).value.strip()
        if not text:
            raise ValueError("path: type the name of a file")
        return Path(text).expanduser().absolute()


class ExportDialog(TransferDialog[Path]):
    """Format and path of an export; dismissed with the path when the file is complete."""

    HEADING = "Export this conversation"
    BUTTON = "Export"

    def __init__(self, client: Client, conversation_id: UUID, title: str) -> None:
        super().__init__(client)
        self._conversation_id = conversation_id
        self._default_name = _file_name(title)

    def fields(self) -> ComposeResult:
        """Create the two fields; the file is in the current folder by default."""
        yield Static("Format", classes="label")
        with self.prevent(Select.Changed):
            yield Select(_FORMATS, value="jsonl", allow_blank=False, id="format", compact=True)
        yield Static("File", classes="label")
        yield Input(
            str(self._default_path("jsonl")), id="path", select_on_focus=False, compact=True
        )
        yield self.progress_line()

    def on_select_changed(self, event: Select.Changed) -> None:
        """Change the suffix of the default path."""
        field = self.query_one("#path", Input)
        if field.value in {str(self._default_path(known)) for _, known in _FORMATS}:
            field.value = str(self._default_path(cast("ExportFileFormat", event.value)))

    async def submit(self) -> Path:
        """Write the file; ask before one is replaced."""
        file_format = cast("ExportFileFormat", self.query_one("#format", Select).value)
        target = self.path()
        if await asyncio.to_thread(target.is_dir):
            target /= self._default_name + SUFFIXES[file_format]
        exists = await asyncio.to_thread(target.exists)
        if exists and not await self._may_replace(target):
            raise ValueError("path: choose another name")
        opening = self._client.export_conversation(self._conversation_id, file_format)
        async with opening as chunks:
            await save_export(
                chunks,
                target,
                on_bytes=lambda count: self.show_progress("Exporting", count),
                overwrite=exists,
            )
        return target

    async def _may_replace(self, target: Path) -> bool:
        dialog = ConfirmDialog("Replace this file?", str(target), "Replace")
        is_confirmed: bool | None = await self.app.push_screen_wait(dialog)
        return bool(is_confirmed)

    def _default_path(self, file_format: ExportFileFormat) -> Path:
        return Path.cwd() / (self._default_name + SUFFIXES[file_format])


class ImportDialog(TransferDialog[ImportResult]):
    """The path of a file to import; dismissed with the result."""

    HEADING = "Import conversations"
    BUTTON = "Import"

    def fields(self) -> ComposeResult:
        """Create the field of the path."""
        yield Static(
            "A file exported by RustyGPT, ChatGPT (conversations.json) or Open WebUI",
            classes="card-note",
        )
        yield Input(placeholder="Path of the file", id="path", compact=True)
        yield self.progress_line()

    async def submit(self) -> ImportResult:
        """Send the file."""
        file, size = await asyncio.to_thread(open_import, self.path())
        with file:
            await self._client.me()  # refreshes the session: a file is sent only once
            return await self._client.import_conversations(
                file, size, on_bytes=lambda count: self.show_progress("Importing", count, size)
            )


class TransferDialogs:
    """Opens these dialogs over a screen."""

    def __init__(
        self,
        screen: Screen[None],
        controller: ConversationController,
        *,
        on_imported: Callable[[UUID], None],
    ) -> None:
        """`on_imported` gets the id of the first conversation that was imported."""
        self._screen = screen
        self._controller = controller
        self._on_imported = on_imported

    def export_conversation(self) -> None:
        """Ask for format and path, and export the open conversation."""
        session = self._controller.loaded_session
        if session is None or session.state is None:
            self._screen.notify("Open a conversation first.", markup=False)
            return

        def on_closed(path: Path | None) -> None:
            if path:
                self._screen.notify(one_line(f"Exported to {path}"), markup=False)

        title = session.state.info.title
        dialog = ExportDialog(self._controller.client, session.id, title)
        self._screen.app.push_screen(dialog, on_closed)

    def import_conversations(self) -> None:
        """Ask for a path, and import the file."""

        def on_closed(result: ImportResult | None) -> None:
            if result:
                self._screen.notify(one_line(imported_text(result)), markup=False, timeout=15)
                self._controller.refresh_list()
                self._on_imported(result.conversations[0].conversation_id)

        self._screen.app.push_screen(ImportDialog(self._controller.client), on_closed)


def _file_name(title: str) -> str:
    """Return a file's name of letters, digits and hyphens, without a suffix."""
    words = re.findall(r"\w+", one_line(title))
    return "-".join(words)[:_NAME_CHARACTERS].strip("-_").lower() or "conversation"
