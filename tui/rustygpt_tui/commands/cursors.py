"""How far `follow` came in each conversation, for `--since-last`."""

import hashlib
import secrets
from pathlib import Path
from uuid import UUID

from rustygpt_shared.ids import event_number
from rustygpt_tui import locations


class FollowCursor:
    """The last event told of one conversation to one account at one server, kept in a file."""

    def __init__(self, origin: str, account: str, conversation_id: UUID) -> None:
        name = hashlib.sha256(f"{origin}\n{account}\n{conversation_id}".encode()).hexdigest()
        self._path: Path = locations.state_folder() / "followed" / name[:32]

    def read(self) -> str | None:
        """The id of that event; None when nothing was told yet."""
        try:
            text = self._path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return text if event_number(text) is not None else None

    def write(self, event_id: str) -> None:
        """Keep the id of the event that was told last; raises OSError when that cannot be."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._path.with_name(f".{secrets.token_hex(8)}")
        beside.write_text(event_id, "ascii")
        beside.replace(self._path)
