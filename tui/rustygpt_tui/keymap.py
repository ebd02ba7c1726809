"""The table of all keys of the terminal chat, and the user's changes to it.

Screens and widgets create their bindings from it, and the help screen lists it. Users change keys
by id in `keymap.toml` in the config folder:

    [keys]
    "rg.reply" = "ctrl+r"
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FILE_NAME = "keymap.toml"
SCOPES = {
    "anywhere": "Anywhere",
    "lists": "Conversations and threads",
    "transcript": "Messages",
    "composer": "Writing",
    "dialog": "Dialogs",
    "compare": "Answers beside each other",
}
"""Where keys apply, with the heading on the help screen."""
_UNDISTINGUISHABLE_KEYS = frozenset({"ctrl+m", "ctrl+i", "ctrl+h", "ctrl+enter"})
"""Keys that terminals send as another key or not at all."""


@dataclass(frozen=True)
class Key:
    """One command: `keys` is a list separated by commas, `action` a Textual action string.

    The id never changes, as users' keymaps refer to it.
    """

    id: str
    keys: str
    action: str
    description: str
    scope: str


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
    Key(
        "rg.conversation.manage",
        "f9,A",
        "manage_conversation",
        "Archive, leave or delete the conversation",
        "anywhere",
    ),
    Key("rg.people", "f4,p", "people", "People in the conversation", "anywhere"),
    Key("rg.unread.next", "n", "next_unread", "Go to the next unread message", "anywhere"),
    Key("rg.search", "slash", "search", "Search all conversations", "anywhere"),
    Key("rg.read.mark", "m", "mark_read", "Mark the thread as read", "anywhere"),
    Key("rg.stop", "x", "stop", "Stop the answer in progress", "anywhere"),
    Key("rg.retry", "f5", "retry", "Connect again now", "anywhere"),
    Key("rg.compose", "i", "compose", "Write a message", "anywhere"),
    Key("rg.attach", "ctrl+r,a", "attach", "Attach a file to the next message", "anywhere"),
    Key("rg.attach.remove", "ctrl+l", "remove_attachment", "Remove an attachment", "anywhere"),
    Key("rg.model.next", "f12,M", "next_model", "Model of the next message", "anywhere"),
    Key("rg.back", "escape", "back", "Go back, or stop your answer; a draft is kept", "anywhere"),
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
    Key("rg.nav.parent", "minus", "parent", "The message that it replies to", "transcript"),
    Key(
        "rg.nav.sibling.previous",
        "left_square_bracket",
        "sibling(-1)",
        "Previous reply to the same message",
        "transcript",
    ),
    Key(
        "rg.nav.sibling.next",
        "right_square_bracket",
        "sibling(1)",
        "Next reply to the same message",
        "transcript",
    ),
    Key("rg.reasoning", "t", "toggle_reasoning", "Show or hide its reasoning", "transcript"),
    Key("rg.fold", "o", "toggle_fold", "Fold or unfold the replies", "transcript"),
    Key("rg.reply", "r,enter", "screen.reply", "Reply to the selected message", "transcript"),
    Key(
        "rg.unread.mark",
        "U",
        "screen.mark_unread",
        "Mark as unread from the selected message on",
        "transcript",
    ),
    Key("rg.edit", "e", "screen.edit_message", "Edit the selected message", "transcript"),
    Key("rg.delete", "d", "screen.delete_message", "Delete the selected message", "transcript"),
    Key("rg.restore", "z", "screen.restore_message", "Restore a deleted message", "transcript"),
    Key("rg.regenerate", "R", "screen.regenerate", "Generate another answer", "transcript"),
    Key(
        "rg.regenerate.model",
        "W",
        "screen.regenerate_with",
        "Generate another answer with another model",
        "transcript",
    ),
    Key(
        "rg.compare",
        "b",
        "screen.compare",
        "Show the answers to the same question beside each other",
        "transcript",
    ),
    Key("rg.revisions", "v", "screen.revisions", "Show its earlier texts", "transcript"),
    Key("rg.copy", "y", "screen.copy", "Copy the selected message", "transcript"),
    Key("rg.copy.code", "Y", "screen.copy_code", "Copy a block of its code", "transcript"),
    Key("rg.copy.link", "L", "screen.copy_link", "Copy a link to the message", "transcript"),
    Key("rg.open.link", "O", "screen.open_link", "Open or copy a link in it", "transcript"),
    Key("rg.find", "f", "screen.find", "Find in this thread", "transcript"),
    Key("rg.find.next", "full_stop", "screen.find_match(1)", "Next match", "transcript"),
    Key("rg.find.previous", "comma", "screen.find_match(-1)", "Previous match", "transcript"),
    Key("rg.lists", "h,left", "screen.focus_lists", "Go to the lists", "transcript"),
    Key("rg.send", "enter", "send", "Send", "composer"),
    Key("rg.newline", "ctrl+j,shift+enter,alt+enter", "newline", "A new line", "composer"),
    Key(
        "rg.reply.newest",
        "ctrl+t",
        "screen.reply_newest",
        "Reply to the newest message instead",
        "composer",
    ),
    Key("rg.read.up", "pageup", "screen.read(-1)", "A page of messages up", "composer"),
    Key("rg.read.down", "pagedown", "screen.read(1)", "A page of messages down", "composer"),
    Key("rg.close", "escape", "dismiss(None)", "Close", "dialog"),
    Key("rg.compare.left", "left,h", "answer(-1)", "The answer at the left", "compare"),
    Key("rg.compare.right", "right,l", "answer(1)", "The answer at the right", "compare"),
    Key("rg.compare.up", "up,k", "scroll(-1)", "A row up", "compare"),
    Key("rg.compare.down", "down,j", "scroll(1)", "A row down", "compare"),
    Key("rg.compare.page_up", "pageup", "page(-1)", "A page up", "compare"),
    Key("rg.compare.page_down", "pagedown,space", "page(1)", "A page down", "compare"),
    Key("rg.compare.top", "home,g", "first", "The beginning of the answer", "compare"),
    Key("rg.compare.end", "end,G", "last", "The end of the answer", "compare"),
    Key("rg.compare.reasoning", "t", "toggle_reasoning", "Show or hide its reasoning", "compare"),
    Key("rg.compare.copy", "y", "copy_answer", "Copy the answer", "compare"),
    Key("rg.compare.choose", "enter", "choose", "Go to the answer in its thread", "compare"),
)


def keys_of(scope: str) -> list[Key]:
    """Return the keys of one scope in the order of the table."""
    return [key for key in KEYS if key.scope == scope]


@dataclass(frozen=True)
class Keymap:
    """The keys that a user changed, by id, and one sentence for each error in them."""

    overrides: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    def keys(self, key: Key) -> str:
        """Return the keys of a command, separated by commas."""
        return self.overrides.get(key.id, key.keys)


def load_keymap(folder: Path) -> Keymap:
    """Return the keymap of a config folder; without a file, nothing is changed."""
    path = folder / FILE_NAME
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Keymap()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Keymap(errors=(f"{path} cannot be read, so keys are as usual: {error}.",))
    return validate(document.get("keys", document))


def validate(requested: object) -> Keymap:
    """Return the keymap of a parsed file; invalid entries are left out and reported as errors."""
    key_ids = {key.id for key in KEYS}
    overrides: dict[str, str] = {}
    errors: list[str] = []
    for name, keys in requested.items() if isinstance(requested, dict) else ():
        if name not in key_ids:
            errors.append(f"There is no key {name!r}; the help screen lists their names.")
        elif not isinstance(keys, str) or not keys.strip():
            errors.append(f"{name} needs a key such as 'ctrl+r'.")
        else:
            overrides[name] = ",".join(part.strip() for part in keys.split(",") if part.strip())
    keymap = Keymap(overrides)
    return Keymap(overrides, (*errors, *_undistinguishable(keymap), *clashes(keymap)))


def clashes(keymap: Keymap) -> list[str]:
    """Return a sentence for every key that has two commands in one scope."""
    errors: list[str] = []
    for scope in SCOPES:
        first: dict[str, Key] = {}
        for key in (
            *keys_of(scope),
            *(keys_of("anywhere") if scope not in {"anywhere", "dialog", "compare"} else []),
        ):
            for part in keymap.keys(key).split(","):
                other = first.setdefault(part, key)
                if other is not key and not _is_text_key(part, scope, other, key):
                    errors.append(f"{part} is both {other.id} and {key.id}; the first one gets it.")
    return list(dict.fromkeys(errors))


def _is_text_key(part: str, scope: str, other: Key, key: Key) -> bool:
    """Return whether a key types text: letters in the composer run no command of another scope."""
    return scope == "composer" and len(part) == 1 and key.scope != other.scope


def _undistinguishable(keymap: Keymap) -> list[str]:
    return [
        f"{name} is on {part}, which terminals do not distinguish from another key."
        for name, keys in keymap.overrides.items()
        for part in keys.split(",")
        if part in _UNDISTINGUISHABLE_KEYS
    ]
