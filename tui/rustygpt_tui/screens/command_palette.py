"""What the command palette finds: everything a key does, and the conversations by their titles."""

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from rustygpt_tui.keymap import keys_of
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.main import MainScreen


class CommandProvider(Provider):
    """What can be done on the main screen."""

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for key in keys_of("anywhere"):
            if key.action != "app.command_palette":
                run = partial(self.screen.run_action, key.action)
                yield DiscoveryHit(key.description, run)

    async def search(self, query: str) -> Hits:
        """What matches the words typed."""
        matcher = self.matcher(query)
        for key in keys_of("anywhere"):
            score = matcher.match(key.description)
            if score > 0 and key.action != "app.command_palette":
                shown = matcher.highlight(key.description)
                yield Hit(score, shown, partial(self.screen.run_action, key.action))


class ConversationProvider(Provider):
    """Conversations to go to."""

    async def search(self, query: str) -> Hits:
        """Titles that match the words typed; they are text, never markup."""
        screen = self.screen
        if not isinstance(screen, MainScreen):
            return
        matcher = self.matcher(query)
        for conversation in screen.controller.conversations:
            title = one_line(conversation.title)
            score = matcher.match(title)
            if score > 0:
                words = Content(f"Go to {title}")
                go = partial(screen.open_conversation, conversation.id)
                yield Hit(score, words, go, text=title)
