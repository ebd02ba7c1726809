"""Every key of the terminal chat, in one table: an id that never changes, its keys, what it does.

Screens and widgets take their bindings from here, the help screen is made of it, and people move
keys by `keymap.toml` in the config folder:

    [keys]
    "rg.reply" = "ctrl+r"
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FILE_NAME = "keymap.toml"
PLACES = {
    "anywhere": "Anywhere",
    "lists": "Conversations and threads",
    "transcript": "Messages",
    "composer": "Writing",
    "dialog": "Dialogs",
}
_FOREIGN = frozenset({"ctrl+m", "ctrl+i", "ctrl+h", "ctrl+enter"})
"""Keys that terminals send as other keys, or not at all."""


@dataclass(frozen=True)
class Key:
    """What can be done by key: `keys` is a list with commas, `action` is Textual's name for it."""

    id: str
    keys: str
    action: str
    description: str
    place: str


KEYS = (
    Key(
        "rg.palette",
        "ctrl+p",
        "app.command_palette",
        "Find commands and conversations",
        "anywhere",
    ),
    Key("rg.help", "f1,question_mark", "app.help", "Show the keys", "anywhere"),
    Key("rg.quit", "ctrl+q", "app.quit", "Quit", "anywhere"),
    Key("rg.switch", "ctrl+o", "focus_lists", "Go to the conversations", "anywhere"),
    Key("rg.thread.new", "ctrl+n", "new_thread", "Start a thread", "anywhere"),
    Key("rg.conversation.new", "f2,c", "new_conversation", "Start a conversation", "anywhere"),
    Key("rg.rename", "f3,T", "rename", "Rename the conversation", "anywhere"),
    Key("rg.settings", "f8,s", "settings", "Settings of the conversation", "anywhere"),
    Key("rg.people", "f4,p", "people", "People in the conversation", "anywhere"),
    Key("rg.unread.next", "n", "next_unread", "Go to the next unread thread", "anywhere"),
    Key("rg.stop", "x", "stop", "Stop the answer in progress", "anywhere"),
    Key("rg.retry", "f5", "retry", "Connect again now", "anywhere"),
    Key("rg.compose", "i", "compose", "Write a message", "anywhere"),
    Key("rg.back", "escape", "back", "Stop the answer, or go back; a draft is kept", "anywhere"),
    Key("rg.list.up", "up,k", "cursor_up", "Previous", "lists"),
    Key("rg.list.down", "down,j", "cursor_down", "Next", "lists"),
    Key("rg.list.top", "home,g", "first", "First", "lists"),
    Key("rg.list.end", "end,G", "last", "Last", "lists"),
    Key("rg.open", "enter,l,right", "select", "Open", "lists"),
    Key("rg.nav.up", "up,k", "cursor(-1)", "Previous message", "transcript"),
    Key("rg.nav.down", "down,j", "cursor(1)", "Next message", "transcript"),
    Key("rg.nav.page_up", "pageup", "page(-1)", "A page up", "transcript"),
    Key("rg.nav.page_down", "pagedown,space", "page(1)", "A page down", "transcript"),
    Key("rg.nav.top", "home,g", "start", "First message", "transcript"),
    Key("rg.nav.end", "end,G", "end", "Last message, and follow what comes", "transcript"),
    Key("rg.reply", "r,enter", "screen.reply", "Reply to the selected message", "transcript"),
    Key("rg.copy", "y", "screen.copy", "Copy the selected message", "transcript"),
    Key("rg.copy.code", "Y", "screen.copy_code", "Copy a block of its code", "transcript"),
    Key("rg.lists", "h,left", "screen.focus_lists", "Go to the lists", "transcript"),
    Key("rg.send", "enter", "send", "Send", "composer"),
    Key("rg.newline", "ctrl+j,shift+enter,alt+enter", "newline", "A new line", "composer"),
    Key("rg.read.up", "pageup", "screen.read(-1)", "A page of messages up", "composer"),
    Key("rg.read.down", "pagedown", "screen.read(1)", "A page of messages down", "composer"),
    Key("rg.close", "escape", "dismiss(None)", "Close", "dialog"),
)


def keys_of(place: str) -> list[Key]:
    """The keys of one place, in the order of the table."""
    return [key for key in KEYS if key.place == place]


@dataclass(frozen=True)
class Keymap:
    """Keys that a person moved, by id, and what is wrong with them in a sentence each."""

    moved: Mapping[str, str] = field(default_factory=dict)
    mistakes: tuple[str, ...] = ()

    def keys(self, key: Key) -> str:
        """The keys that do it now."""
        return self.moved.get(key.id, key.keys)


def load_keymap(folder: Path) -> Keymap:
    """The keymap of a config folder; a file that is not there moves nothing."""
    path = folder / FILE_NAME
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Keymap()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Keymap(mistakes=(f"{path} cannot be read, so keys are as usual: {error}.",))
    return check(told.get("keys", told))


def check(wanted: object) -> Keymap:
    """The keymap that is wanted, without what cannot be, and with every clash named."""
    known = {key.id for key in KEYS}
    moved: dict[str, str] = {}
    mistakes: list[str] = []
    for name, keys in wanted.items() if isinstance(wanted, dict) else ():
        if name not in known:
            mistakes.append(f"There is no key {name!r}; the help screen lists their names.")
        elif not isinstance(keys, str) or not keys.strip():
            mistakes.append(f"{name} needs a key such as 'ctrl+r'.")
        else:
            moved[name] = ",".join(part.strip() for part in keys.split(",") if part.strip())
    keymap = Keymap(moved)
    return Keymap(moved, (*mistakes, *_unheard(keymap), *clashes(keymap)))


def clashes(keymap: Keymap) -> list[str]:
    """A sentence for every key that would do two things in one place."""
    found: list[str] = []
    for place in PLACES:
        taken: dict[str, Key] = {}
        for key in (
            *keys_of(place),
            *(keys_of("anywhere") if place not in {"anywhere", "dialog"} else []),
        ):
            for part in keymap.keys(key).split(","):
                other = taken.setdefault(part, key)
                if other is not key and not _meant(part, place, other, key):
                    found.append(f"{part} is both {other.id} and {key.id}; the first one gets it.")
    return list(dict.fromkeys(found))


def _meant(part: str, place: str, other: Key, key: Key) -> bool:
    """While one writes, letters are text, so they clash with nothing."""
    return place == "composer" and len(part) == 1 and key.place != other.place


def _unheard(keymap: Keymap) -> list[str]:
    return [
        f"{name} is on {part}, which terminals do not tell from another key."
        for name, keys in keymap.moved.items()
        for part in keys.split(",")
        if part in _FOREIGN
    ]
