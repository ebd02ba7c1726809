"""Goes through all that is unread, message by message, and comes to an end.

Each step goes to an unread message that was not visited yet: in the open thread, in another thread
of the conversation, in another conversation.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from textual.worker import Worker, WorkerError

from rustygpt_tui.conversation.conversation_controller import ConversationController
from rustygpt_tui.screens.thread_pane import ThreadPane


class UnreadScreen(Protocol):
    """What a walk needs of the main screen."""

    controller: ConversationController
    loading_conversation: Worker[None] | None

    @property
    def thread_pane(self) -> ThreadPane:
        """The pane of the open thread."""

    def open_thread(self, root: UUID | None) -> None:
        """Show a thread of the open conversation."""

    def open_conversation(self, id: UUID) -> None:
        """Open a conversation at its first unread thread."""


@dataclass
class Visited:
    """What the steps so far went to."""

    messages: set[UUID] = field(default_factory=set)
    threads: set[UUID] = field(default_factory=set)
    conversations: set[UUID] = field(default_factory=set)


class UnreadWalk:
    """The steps through what is unread; after the last one, they begin again."""

    def __init__(self, screen: UnreadScreen) -> None:
        self._screen = screen
        self._visited = Visited()

    async def step(self) -> str:
        """Go to the next unread message; return a sentence when there is none left, else "".

        Waits for the conversation that is being opened. Raises ClientError.
        """
        if not self._screen.controller.is_list_fetched:
            return "The conversations are still loading."
        await self._wait_for_conversation()
        while not await self._screen.thread_pane.go_to_next_unread(self._visited.messages):
            if not await self._open_next():
                is_first = not self._visited.messages
                self._visited = Visited()
                return "Nothing is unread." if is_first else "That was all that is unread."
        return ""

    async def _open_next(self) -> bool:
        """Open another unread thread or conversation; return False when there is none left."""
        controller = self._screen.controller
        if thread := controller.next_unread_thread(self._visited.threads):
            self._visited.threads.add(thread)
            self._screen.open_thread(thread)
        elif conversation := controller.next_unread_conversation(self._visited.conversations):
            self._visited.conversations.add(conversation)
            self._screen.open_conversation(conversation)
            await self._wait_for_conversation()
        else:
            return False
        return True

    async def _wait_for_conversation(self) -> None:
        if self._screen.loading_conversation is not None:
            with suppress(WorkerError):
                await self._screen.loading_conversation.wait()
