"""Drafts and how long they last."""

import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from rustygpt_tui.store.drafts import DraftKey, Drafts

PLACE = DraftKey("http://127.0.0.1:8080", "ada", UUID(int=1))


def test_a_draft_is_kept_where_it_was_written(tmp_path: Path) -> None:
    """Each server, account and place has its own; an empty one is dropped."""
    file = tmp_path / "state" / "drafts.sqlite"
    with Drafts(file) as drafts:
        drafts.put(PLACE, "Tea")
        drafts.put(PLACE, "Tea?\n🍵")
        assert drafts.get(PLACE._replace(account="bob")) == ""
        assert drafts.get(PLACE._replace(origin="https://other")) == ""
    with Drafts(file) as drafts:
        assert drafts.get(PLACE) == "Tea?\n🍵"
        assert drafts.target_ids(PLACE.origin, "ada") == {PLACE.target_id}
        drafts.put(PLACE, "")
        assert drafts.get(PLACE) == ""
        assert not drafts.target_ids(PLACE.origin, "ada")


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    """Drafts are private, also in the log beside the database."""
    file = tmp_path / "drafts.sqlite"
    with Drafts(file) as drafts:
        drafts.put(PLACE, "secret")
        modes = {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert modes == {0}


def test_text_that_no_file_can_hold_is_kept_as_far_as_it_goes(tmp_path: Path) -> None:
    """A lone surrogate, which a paste can bring, does not lose the draft."""
    with Drafts(tmp_path / "d") as drafts:
        drafts.put(PLACE, "a\ud800b")
        assert drafts.get(PLACE) == "a?b"


def test_a_draft_survives_sigkill(tmp_path: Path) -> None:
    """What was put is there after the process was killed."""
    program = (
        "import os, signal, sys; from pathlib import Path; from uuid import UUID\n"
        "from rustygpt_tui.store.drafts import Drafts, DraftKey\n"
        "drafts = Drafts(Path(sys.argv[1]))\n"
        f"drafts.put(DraftKey({PLACE.origin!r}, 'ada', UUID(int=1)), 'kept')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "d")]
    done = subprocess.run(command, check=False)
    assert done.returncode == -signal.SIGKILL
    with Drafts(tmp_path / "d") as drafts:
        assert drafts.get(PLACE) == "kept"
