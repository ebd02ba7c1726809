"""What the user adds to the next message besides its text: files, long pastes, another model.

A part of `ThreadPane`: it opens the dialogs, and offers to attach what was pasted.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from textual.widget import Widget

from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.attachments import attachment, clean_name, read_attachment
from rustygpt_tui.conversation.compose_controller import ComposeController
from rustygpt_tui.conversation.local_files import MAX_PATH, pasted_file
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.attach import AttachDialog, check_size
from rustygpt_tui.screens.dialogs import Choice, ChooseDialog
from rustygpt_tui.screens.model_picker import ModelDialog
from rustygpt_tui.store.attachment import Attachment
from rustygpt_tui.widgets.composer import Composer, PastedText

LONG_LINES: Final = 20
LONG_CHARACTERS: Final = 2_000
"""A paste of more lines or characters may become an attachment."""


@dataclass(frozen=True)
class Offer:
    """A paste that may be attached instead."""

    pasted: PastedText
    hint: str
    path: Path | None = None
    """The file whose path was pasted."""


class ComposeExtras:
    """The extras of the message in a pane's composer."""

    def __init__(self, pane: Widget, controller: ComposeController, client: Client) -> None:
        self._pane = pane
        self._controller = controller
        self._client = client
        self._offer: Offer | None = None

    @property
    def offer(self) -> Offer | None:
        """What may be attached instead of being sent as text; it ends with any other change."""
        offer = self._offer
        return offer if offer and self._composer.has_pasted(offer.pasted) else None

    @property
    def _composer(self) -> Composer:
        return self._pane.query_one(Composer)

    # Pastes

    def on_changed(self) -> None:
        """Offer to attach what was just pasted; any other change ends the offer."""
        self._offer = None
        pasted = self._composer.take_pasted()
        if pasted is None or self._controller.editing is not None:
            return
        lines = pasted.text.removesuffix("\n").count("\n") + 1
        if lines > LONG_LINES or len(pasted.text) > LONG_CHARACTERS:
            size = f"{lines:,} lines" if lines > 1 else f"{len(pasted.text):,} characters"
            self._offer = Offer(pasted, f"{size} pasted · ^r attaches them instead")
        elif "\n" not in pasted.text and len(pasted.text) <= MAX_PATH:
            self._run(self._look_for_file(pasted), "pasted-file")

    async def _look_for_file(self, pasted: PastedText) -> None:
        path = await asyncio.to_thread(pasted_file, pasted.text)
        if path is not None and self._composer.has_pasted(pasted):
            hint = f"^r attaches {clean_name(path.name)} instead of its path"
            self._offer = Offer(pasted, hint, path)
            self._controller.change_extras(self._controller.extras)

    # Attachments

    def attach(self) -> None:
        """Attach what was just pasted, else ask for the path of a file."""
        if not self._may_change():
            return
        if self.offer is not None:
            self._run(self._attach_offered(self.offer), "attach")
            return

        def on_read(read: Attachment | None) -> None:
            if read is not None:
                self._add(read)
            self._composer.focus()

        extras, text = self._controller.extras, self._composer.text
        self._pane.app.push_screen(AttachDialog(self._client, extras, text), on_read)

    async def _attach_offered(self, offer: Offer) -> None:
        """Attach a paste, and remove it from the text; what is refused stays there."""
        try:
            if offer.path is None:
                read = attachment("pasted.txt", offer.pasted.text)
            else:
                read = await asyncio.to_thread(read_attachment, offer.path)
            rest = self._composer.text_without(offer.pasted)
            check_size(self._controller.extras, rest, read)
        except ClientError as failure:
            self._controller.show_failure(failure.sentence)
            return
        if self.offer is offer and self._composer.remove_pasted(offer.pasted):
            self._add(read)

    def _add(self, read: Attachment) -> None:
        self._offer = None
        self._controller.change_extras(self._controller.extras.with_attachment(read))

    def remove(self) -> None:
        """Remove an attachment; of several, the user chooses one."""
        attachments = self._controller.extras.attachments

        def on_chosen(index: str | None) -> None:
            if index is not None:
                self._controller.change_extras(
                    self._controller.extras.without_attachment(int(index))
                )

        if not self._may_change():
            return
        if len(attachments) > 1:
            choices = [Choice(str(i), _label(a)) for i, a in enumerate(attachments)]
            self._pane.app.push_screen(ChooseDialog("Remove which attachment?", choices), on_chosen)
        elif attachments:
            on_chosen("0")
        else:
            self._notify("Nothing is attached.")

    # The model

    def choose_model(self) -> None:
        """Choose the model that answers the next message only."""
        if self._may_change():
            self._run(self._choose_model(), "model")

    async def _choose_model(self) -> None:
        try:
            models = (await self._client.list_models()).models
        except ClientError as failure:
            self._controller.show_failure(failure.sentence)
            return

        def on_chosen(model: str | None) -> None:
            if model is not None:
                extras = replace(self._controller.extras, model=model or None)
                self._controller.change_extras(extras)
            self._composer.focus()

        if self._pane.app.screen is self._pane.screen:
            current = self._controller.extras.model
            dialog = ModelDialog(
                "Model of the next message", models, first=self._usual(), current=current
            )
            self._pane.app.push_screen(dialog, on_chosen)

    def _usual(self) -> str:
        state = self._controller.state
        model = one_line(state.info.model or "") if state else ""
        return f"As the conversation's ({model})" if model else "As the conversation's"

    def _may_change(self) -> bool:
        if self._controller.editing is not None:
            self._notify("Only a new message can have attachments, or a model of its own.")
            return False
        if self._controller.state is None or self._composer.read_only:
            self._notify("No message can be written here.")
            return False
        return True

    def _notify(self, text: str) -> None:
        self._pane.app.notify(text, markup=False, timeout=3)

    def _run(self, coroutine: Coroutine[None, None, None], group: str) -> None:
        self._pane.run_worker(coroutine, group=group, exclusive=True, exit_on_error=False)


def _label(attachment: Attachment) -> str:
    return f"{attachment.name}, {len(attachment.text):,} characters"
