"""Providers of the command palette: the commands that have keys, and the conversations."""

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from rustygpt_tui.keymap import keys_of
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.main import MainScreen


class CommandProvider(Provider):
    """Finds the commands of the main screen."""

    async def discover(self) -> Hits:
        """Yield all commands, before anything is typed."""
        for key in keys_of("anywhere"):
            if key.action != "app.command_palette":
                run = partial(self.screen.run_action, key.action)
                yield DiscoveryHit(key.description, run)

    async def search(self, query: str) -> Hits:
        """Yield the commands that match the query."""
        matcher = self.matcher(query)
        for key in keys_of("anywhere"):
            score = matcher.match(key.description)
            if score > 0 and key.action != "app.command_palette":
                label = matcher.highlight(key.description)
                yield Hit(score, label, partial(self.screen.run_action, key.action))


class ConversationProvider(Provider):
    """Finds conversations by title."""

    async def search(self, query: str) -> Hits:
        """Yield the conversations whose titles match the query; titles are never read as markup."""
        screen = self.screen
        if not isinstance(screen, MainScreen):
            return
        matcher = self.matcher(query)
        for conversation in screen.controller.conversations:
            title = one_line(conversation.title)
            score = matcher.match(title)
            if score > 0:
                label = Content(f"Go to {title}")
                command = partial(screen.open_conversation, conversation.id)
                yield Hit(score, label, command, text=title)
