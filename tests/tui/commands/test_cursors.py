"""The stored position of `follow`."""

from pathlib import Path
from uuid import UUID

from rustygpt_tui.commands.cursors import FollowCursor

ORIGIN = "http://127.0.0.1:1"
ID = UUID(int=1)


def test_a_position_is_stored_by_server_account_and_conversation(folders: Path) -> None:
    """Accounts have separate positions; a damaged file counts as none."""
    cursor = FollowCursor(ORIGIN, "ada", ID)
    assert cursor.read() is None
    cursor.write("evt_7")
    assert FollowCursor(ORIGIN, "ada", ID).read() == "evt_7"
    assert FollowCursor(ORIGIN, "bob", ID).read() is None
    (file,) = (folders / "state" / "followed").iterdir()
    file.write_bytes(b"\xff")
    assert cursor.read() is None
