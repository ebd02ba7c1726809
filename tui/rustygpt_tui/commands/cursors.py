"""The position that `follow` reached in each conversation, for `--since-last`."""

import hashlib
import secrets
from pathlib import Path
from uuid import UUID

from rustygpt_shared.ids import event_number
from rustygpt_tui import locations


class FollowCursor:
    """The id of the last event of a conversation that an account received, kept in a file."""

    def __init__(self, origin: str, account: str, conversation_id: UUID) -> None:
        name = hashlib.sha256(f"{origin}\n{account}\n{conversation_id}".encode()).hexdigest()
        self._path: Path = locations.state_folder() / "followed" / name[:32]

    def read(self) -> str | None:
        """Return the stored event id, or None when there is none."""
        try:
            text = self._path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return text if event_number(text) is not None else None

    def write(self, event_id: str) -> None:
        """Store an event id; raise OSError when the file cannot be written.

        What is not an event id is not stored.
        """
        if event_number(event_id) is None:
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{secrets.token_hex(8)}")
        temporary.write_text(event_id, "ascii")
        temporary.replace(self._path)
