"""Providers of the command palette: commands that have keys, conversations, links."""

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from rustygpt_tui.client.invites import is_invite_link
from rustygpt_tui.conversation.links import parse_link
from rustygpt_tui.errors import ClientError
from rustygpt_tui.keymap import Key, keys_of
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.main import MainScreen


def _commands() -> list[Key]:
    """Return the keys whose commands can be run from anywhere; some act on the selected message."""
    on_message = [key for key in keys_of("transcript") if key.action.startswith("screen.")]
    return [key for key in (*keys_of("anywhere"), *on_message) if key.id != "rg.palette"]


class CommandProvider(Provider):
    """Finds the commands of the main screen, and of its selected message."""

    async def discover(self) -> Hits:
        """Yield all commands, before anything is typed."""
        for key in _commands():
            yield DiscoveryHit(key.description, partial(self.screen.run_action, key.action))

    async def search(self, query: str) -> Hits:
        """Yield the commands that match the query."""
        matcher = self.matcher(query)
        for key in _commands():
            score = matcher.match(key.description)
            if score > 0:
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
                command = partial(screen.go_to_conversation, conversation.id)
                yield Hit(score, label, command, text=title)


class LinkProvider(Provider):
    """Opens a link that was pasted: to a message, or of an invite."""

    async def search(self, query: str) -> Hits:
        """Yield one command when the query is the address of a place or of an invite."""
        screen = self.screen
        if is_invite_link(query) and isinstance(screen, MainScreen):
            label = Content("Join the conversation of this invite")
            yield Hit(1.0, label, partial(screen.account_dialogs.join, query))
            return
        if not isinstance(screen, MainScreen):
            return
        try:
            link = parse_link(query, screen.controller.client.origin)
        except ClientError as failure:
            refuse = partial(screen.notify, failure.sentence, severity="error", markup=False)
            yield Hit(1.0, Content("This link is of another server"), refuse)
            return
        if link is not None:
            yield Hit(1.0, Content("Go to the linked message"), partial(screen.go_to_link, link))
