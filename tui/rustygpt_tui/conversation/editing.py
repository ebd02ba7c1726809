"""Changing messages that exist: what is edited, and what the user may change. No widgets.

The server decides; what is refused here is refused before the user types a text for nothing.
"""

from dataclasses import dataclass, field

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.transport import new_key
from rustygpt_tui.store.state import State


@dataclass
class Editing:
    """A message whose text is in the composer, in place of the draft."""

    message: MessageView
    is_resent: bool = False
    """True when the text becomes a new message beside this one, which stays as it is."""
    is_saving: bool = False
    """True while the server is asked; the text cannot be changed meanwhile."""
    key: str = field(default_factory=new_key)
    """The idempotency key of the new message."""

    @property
    def hint(self) -> str:
        """What happens to the text, and the keys, in one line."""
        if self.is_resent:
            return "Asks again beside the question: enter sends · esc leaves"
        return "Editing: enter saves · esc leaves, and your draft comes back"


def may_change(state: State, message: MessageView) -> bool:
    """Return whether the user may edit, delete and restore a message, as far as is known."""
    if state.role in {"owner", "admin"}:
        return True
    if state.role in {None, "viewer"}:
        return False
    author = message.author_user_id
    if message.role == "assistant":
        question = state.message(message.parent_id) if message.parent_id else None
        author = question.author_user_id if question else state.me
    return author == state.me


def edit_refusal(state: State, message: MessageView) -> str:
    """Return why a message cannot be edited, in one sentence; empty if it can."""
    if state.info.archived_at is not None:
        return "This conversation is archived: nothing in it can be edited."
    if message.deleted_at is not None:
        return "This message is deleted; z restores it."
    if message.streaming:
        return "This answer is still being written; x stops it."
    if not may_change(state, message):
        return "Only its author and the admins of the conversation can change this message."
    return ""


def is_answered_question(state: State, message: MessageView) -> bool:
    """Return whether a message is the user's own, and the assistant has answered it."""
    tree = state.trees.get(message.root_id)
    return message.author_user_id == state.me and any(
        other.parent_id == message.id and other.role == "assistant" for other in tree or ()
    )
