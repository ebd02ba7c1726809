"""The names that are shown for the authors of messages, which nobody can imitate.

The role of a message decides who speaks: an answer is `assistant · model`, whatever a person is
called. A person whose name another participant has too, or that could be taken for the assistant or
for such a label, gets the user name added: `Ann (@ann2)`.
Making labels safe for a terminal is left to what shows them.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from uuid import UUID

from rustygpt_shared.models.conversations import Participant
from rustygpt_shared.models.messages import MessageView

ASSISTANT = "assistant"
SYSTEM = "system"
UNKNOWN = "somebody"
_ROLE_WORDS = (ASSISTANT, SYSTEM)
_LABEL_SIGNS = re.compile(r"[@·()↳]")
_LOOKALIKES = str.maketrans(
    "\u0430\u0432\u0435\u0456\u0458\u043a\u043c\u043d\u043e\u0440"
    "\u0455\u0441\u0442\u0443\u0445\u04bb\u0501\u051b\u051d"
    "\u03b1\u03b2\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03c9"
    "\u0131\u0251\u02610135",
    "abeijkmhopsctyxhdqwabeikvoptuxwiagoies",
)
"""Letters of other scripts, and digits, that are drawn like a Latin letter."""


class Names:
    """The labels of a conversation's participants."""

    def __init__(self, participants: Iterable[Participant] = ()) -> None:
        people = list(participants)
        self._keys = Counter(_key(_name(person)) for person in people)
        self._keys.update({_key(p.username) for p in people if _key(p.username) != _key(_name(p))})
        self.labels: Mapping[UUID, str] = {p.user_id: self._label(p) for p in people}
        """The label of each participant, by user id."""

    def author(self, message: MessageView) -> str:
        """Return the label of a message's author."""
        if message.role != "user":
            return role_label(message)
        label = self.labels.get(message.author_user_id) if message.author_user_id else None
        if label is not None:
            return label
        name = _spaced(message.author_name or "") or UNKNOWN
        is_taken = _key(name) in self._keys
        return f"{name} (@?)" if is_taken or _is_imitation(name) else name

    def deletion(self, message: MessageView) -> str:
        """Return `deleted`, or by whom if that was not the message's author."""
        by = message.deleted_by
        if by is None or by == message.author_user_id:
            return "deleted"
        return f"deleted by {self.labels.get(by, 'an administrator')}"

    def _label(self, person: Participant) -> str:
        name = _name(person)
        is_clear = self._keys[_key(name)] == 1 and not _is_imitation(name)
        return name if is_clear else f"{name} (@{person.username})"


def role_label(message: MessageView) -> str:
    """Return the label of a message that no person wrote."""
    if message.role == ASSISTANT and message.model:
        return f"{ASSISTANT} · {_spaced(message.model)}"
    return _spaced(message.role)


def _name(person: Participant) -> str:
    return _spaced(person.display_name or "") or person.username


def _spaced(text: str) -> str:
    return " ".join(text.split())


@lru_cache(maxsize=8192)
def _is_imitation(name: str) -> bool:
    """Return True for a name that looks like a role, or like a label of this module."""
    return _LABEL_SIGNS.search(name) is not None or _key(name).startswith(_ROLE_WORDS)


@lru_cache(maxsize=8192)
def _key(name: str) -> str:
    """Return what two names that look alike have in common."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(character for character in folded if character.isalnum())
    return letters.translate(_LOOKALIKES) or folded
