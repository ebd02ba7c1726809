"""The submitted messages that the server has not acknowledged, by the place they were written in.

A failed message waits for its next attempt, with the same idempotency key. Messages that reply to
it are held until it is sent. All are stored, so that they survive the program.
"""

from collections.abc import Callable, Collection
from uuid import UUID

from rustygpt_shared.models.messages import MessageView, PostedMessage
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.message_sender import PendingMessage, Target
from rustygpt_tui.store.drafts import UnsentPost
from rustygpt_tui.store.state import State


class UnsentMessages:
    """The failed and the held messages of one account."""

    def __init__(self, drafts: AccountDrafts) -> None:
        self._drafts = drafts
        self._failed: dict[UUID, PendingMessage] = {}
        self._held: list[PendingMessage] = []

    def keep(self, message: PendingMessage) -> None:
        """Store a message until `forget`."""
        target = message.target.resolved()
        post = UnsentPost(
            message.key,
            message.place,
            target.message_id,
            target.is_chosen,
            message.text,
            message.model,
        )
        self._drafts.keep_post(post)

    def forget(self, message: PendingMessage) -> None:
        """Forget a message that was sent, or that will not be."""
        self._drafts.forget_post(message.key)
        if self._failed.get(message.place) is message:
            del self._failed[message.place]

    def failed(self, place: UUID | None) -> PendingMessage | None:
        """Return the message of a place whose last attempt failed."""
        return self._failed.get(place) if place else None

    def fail(self, message: PendingMessage) -> None:
        """Remember that the last attempt of a message failed."""
        self.keep(message)
        self._failed[message.place] = message

    def retry(self, message: PendingMessage) -> None:
        """Remember that a failed message is being sent again."""
        self._failed.pop(message.place, None)

    def hold(self, message: PendingMessage) -> None:
        """Hold a message until the one that it replies to is sent."""
        self._held.append(message)

    def release(self) -> list[PendingMessage]:
        """Return the held messages that can be sent now, and hold them no longer."""
        ready = [m for m in self._held if m.target.resolved().after is None]
        self._held = [m for m in self._held if m not in ready]
        return ready

    def replace(self, failed: PendingMessage, message: PendingMessage) -> None:
        """Forget a failed message with another text; what replies to it follows the new one."""
        self.forget(failed)
        for held in self._held:
            if held.target.after is failed:
                held.target = Target(after=message, is_chosen=held.target.is_chosen)

    def give_up(self, failed: PendingMessage) -> PendingMessage | None:
        """Forget a failed message; return the one that was held for it, with its target."""
        self.forget(failed)
        waiting = next((m for m in self._held if m.target.after is failed), None)
        if waiting is not None:
            self._held.remove(waiting)
            waiting.target = failed.target
        return waiting

    def restore(
        self, place: UUID, new: Callable[[UnsentPost], PendingMessage], in_flight: Collection[str]
    ) -> list[PendingMessage]:
        """Restore the messages of a place that an earlier run of the program has not sent.

        `new` makes the message of a post, `in_flight` has the keys of those that are being sent.
        The first one has failed, the others are held; returns the held ones.
        """
        known = {m.key for m in (*self._failed.values(), *self._held)} | set(in_flight)
        restored = [new(p) for p in self._drafts.unsent_posts(place) if p.key not in known]
        if self.failed(place) is None and restored:
            self._failed[place] = restored.pop(0)
        before = self.failed(place)
        for message in restored:
            if message.target.message_id is None and before is not None:
                message.target = Target(after=before)
            self._held.append(message)
            before = message
        return restored


def recognise(message: PendingMessage, state: State) -> PostedMessage | None:
    """Return the ids of a message whose response was lost, if the store has received it.

    It is by the reader, with the same text and the same parent, and newer than what was known.
    """
    tree = state.trees.get(message.root_id) if message.root_id else None
    parent_id = message.target.resolved().message_id
    if tree is None or parent_id is None:
        return None
    found = [m for m in tree if m.parent_id == parent_id and _is_same(m, message, state.me)]
    if not found:
        return None
    last = max(found, key=lambda m: m.seq)
    answers = (m.id for m in tree if m.parent_id == last.id and m.role == "assistant")
    return PostedMessage(
        last.id, last.root_id, last.conversation_id, last.depth, parent_id, next(answers, None)
    )


def _is_same(message: MessageView, pending: PendingMessage, me: UUID) -> bool:
    is_newer = message.seq > pending.after_seq
    return is_newer and message.author_user_id == me and message.content == pending.text
