"""Drafts, and how long they are kept."""

import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from rustygpt_tui.store.attachment import Attachment
from rustygpt_tui.store.drafts import Draft, DraftKey, Drafts, UnsentPost

KEY = DraftKey("http://127.0.0.1:8080", "ada", UUID(int=1))


def test_a_draft_is_stored_by_server_account_and_place(tmp_path: Path) -> None:
    """Each has its own; an empty text deletes the draft."""
    file = tmp_path / "state" / "drafts.sqlite"
    with Drafts(file) as drafts:
        drafts.put(KEY, Draft("Tea", UUID(int=7)))
        drafts.put(KEY, Draft("Tea?\n🍵", UUID(int=8), is_chosen=True))
        assert drafts.get(KEY._replace(account="bob")) == Draft()
        assert drafts.get(KEY._replace(origin="https://other")) == Draft()
    with Drafts(file) as drafts:
        assert drafts.get(KEY) == Draft("Tea?\n🍵", UUID(int=8), is_chosen=True)
        drafts.put(KEY, Draft("no target"))
        assert drafts.get(KEY) == Draft("no target")
        drafts.put(KEY, Draft())
        assert drafts.get(KEY) == Draft()


def test_a_post_is_kept_until_it_is_acknowledged(tmp_path: Path) -> None:
    """With its key, its place and its target, by account, the oldest first."""
    first = UnsentPost("key-1", KEY.place, None, False, "one")
    second = UnsentPost("key-2", KEY.place, UUID(int=8), True, "two")
    with Drafts(tmp_path / "d") as drafts:
        for post in (first, second):
            drafts.put_post(KEY.origin, KEY.account, post)
        assert drafts.unsent_posts(KEY._replace(account="bob")) == []
        assert drafts.unsent_posts(KEY._replace(place=UUID(int=2))) == []
    with Drafts(tmp_path / "d") as drafts:
        assert drafts.unsent_posts(KEY) == [first, second]
        drafts.delete_post(KEY.origin, KEY.account, "key-1")
        assert drafts.unsent_posts(KEY) == [second]


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    """This includes the write-ahead log beside the database."""
    file = tmp_path / "drafts.sqlite"
    with Drafts(file) as drafts:
        drafts.put(KEY, Draft("secret"))
        modes = {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert modes == {0}


def test_text_that_is_not_valid_unicode_is_stored_with_replacements(tmp_path: Path) -> None:
    """A lone surrogate, which a paste may contain, does not lose the draft."""
    with Drafts(tmp_path / "d") as drafts:
        drafts.put(KEY, Draft("a\ud800b"))
        assert drafts.get(KEY) == Draft("a?b")


def test_a_draft_survives_sigkill(tmp_path: Path) -> None:
    """It is there after the process was killed."""
    program = (
        "import os, signal, sys; from pathlib import Path; from uuid import UUID\n"
        "from rustygpt_tui.store.drafts import Draft, Drafts, DraftKey\n"
        "drafts = Drafts(Path(sys.argv[1]))\n"
        f"drafts.put(DraftKey({KEY.origin!r}, 'ada', UUID(int=1)), Draft('kept'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "d")]
    process = subprocess.run(command, check=False)
    assert process.returncode == -signal.SIGKILL
    with Drafts(tmp_path / "d") as drafts:
        assert drafts.get(KEY).text == "kept"


def test_model_and_attachments_are_kept_with_the_draft(tmp_path: Path) -> None:
    """Also without a text; a submitted message keeps its model."""
    attachments = (Attachment("a.py", "x = 1"), Attachment("b\ud800", "🍵"))
    draft = Draft("", UUID(int=7), is_chosen=True, model="large", attachments=attachments)
    post = UnsentPost("key-1", KEY.place, None, False, "one", "large")
    with Drafts(tmp_path / "d") as drafts:
        drafts.put(KEY, draft)
        drafts.put_post(KEY.origin, KEY.account, post)
    with Drafts(tmp_path / "d") as drafts:
        assert drafts.get(KEY) == draft
        assert drafts.unsent_posts(KEY) == [post]
        drafts.put(KEY, Draft(model="large"))
        assert drafts.get(KEY) == Draft(model="large")
        drafts.put(KEY, Draft())
        assert drafts.get(KEY) == Draft()
        drafts.delete_post(KEY.origin, KEY.account, "key-1")
        drafts.put_post(KEY.origin, KEY.account, post._replace(model=None))
        assert drafts.unsent_posts(KEY) == [post._replace(model=None)]
