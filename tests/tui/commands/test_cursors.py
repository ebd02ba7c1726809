"""How far `follow` came."""

from pathlib import Path
from uuid import UUID

from rustygpt_tui.commands.cursors import FollowCursor

ORIGIN, ID = "http://127.0.0.1:1", UUID(int=1)


def test_a_position_is_kept_by_server_account_and_conversation(folders: Path) -> None:
    """Another account's is another; a file of another make is none."""
    position = FollowCursor(ORIGIN, "ada", ID)
    assert position.read() is None
    position.write("evt_7")
    assert FollowCursor(ORIGIN, "ada", ID).read() == "evt_7"
    assert FollowCursor(ORIGIN, "bob", ID).read() is None
    (file,) = (folders / "state" / "followed").iterdir()
    file.write_bytes(b"\xff")
    assert position.read() is None
