"""Drafts, and how long they are kept."""

import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from rustygpt_tui.store.drafts import DraftKey, Drafts

KEY = DraftKey("http://127.0.0.1:8080", "ada", UUID(int=1))


def test_a_draft_is_stored_by_server_account_and_target(tmp_path: Path) -> None:
    """Each has its own; an empty text deletes the draft."""
    file = tmp_path / "state" / "drafts.sqlite"
    with Drafts(file) as drafts:
        drafts.put(KEY, "Tea")
        drafts.put(KEY, "Tea?\n🍵")
        assert drafts.get(KEY._replace(account="bob")) == ""
        assert drafts.get(KEY._replace(origin="https://other")) == ""
    with Drafts(file) as drafts:
        assert drafts.get(KEY) == "Tea?\n🍵"
        assert drafts.target_ids(KEY.origin, "ada") == {KEY.target_id}
        drafts.put(KEY, "")
        assert drafts.get(KEY) == ""
        assert not drafts.target_ids(KEY.origin, "ada")


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    """This includes the write-ahead log beside the database."""
    file = tmp_path / "drafts.sqlite"
    with Drafts(file) as drafts:
        drafts.put(KEY, "secret")
        modes = {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert modes == {0}


def test_text_that_is_not_valid_unicode_is_stored_with_replacements(tmp_path: Path) -> None:
    """A lone surrogate, which a paste may contain, does not lose the draft."""
    with Drafts(tmp_path / "d") as drafts:
        drafts.put(KEY, "a\ud800b")
        assert drafts.get(KEY) == "a?b"


def test_a_draft_survives_sigkill(tmp_path: Path) -> None:
    """It is there after the process was killed."""
    program = (
        "import os, signal, sys; from pathlib import Path; from uuid import UUID\n"
        "from rustygpt_tui.store.drafts import Drafts, DraftKey\n"
        "drafts = Drafts(Path(sys.argv[1]))\n"
        f"drafts.put(DraftKey({KEY.origin!r}, 'ada', UUID(int=1)), 'kept')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "d")]
    process = subprocess.run(command, check=False)
    assert process.returncode == -signal.SIGKILL
    with Drafts(tmp_path / "d") as drafts:
        assert drafts.get(KEY) == "kept"
