"""Reading files to attach them."""

import os
import threading
from pathlib import Path

import pytest

from rustygpt_shared.text_rules import MESSAGE_MAX
from rustygpt_tui.conversation.attachments import attachment, clean_name, read_attachment
from rustygpt_tui.errors import UsageError
from rustygpt_tui.store.attachment import Attachment


def test_a_text_file_is_read(tmp_path: Path) -> None:
    """Without the byte order mark, line ends of Windows and control characters."""
    file = tmp_path / "notes.md"
    file.write_bytes(b"\xef\xbb\xbfone\r\n\x1b[31mtwo\n\n")

    assert read_attachment(file) == Attachment("notes.md", "one\n[31mtwo")


def test_what_cannot_be_attached_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """Binary, missing, empty and too large files, folders, devices and pipes."""
    (tmp_path / "image").write_bytes(b"\x89PNG\xff")
    (tmp_path / "nul").write_bytes(b"a\0b")
    (tmp_path / "empty").write_bytes(b" \n")
    (tmp_path / "large").write_text("x" * (MESSAGE_MAX + 1))
    (tmp_path / "huge").write_bytes(b"x" * (4 * MESSAGE_MAX + 1))
    os.mkfifo(tmp_path / "pipe")
    reasons = {
        "image": "it is not text in UTF-8",
        "nul": "it is not text",
        "empty": "it is empty",
        "large": "it is longer than a message (65,536 characters)",
        "huge": "it is longer than a message (65,536 characters)",
        "missing": "no such file or directory",
        "pipe": "it is not a file but a device, a pipe or a socket",
        ".": "it is a folder",
        "/dev/zero": "it is not a file but a device, a pipe or a socket",
    }
    for name, reason in reasons.items():
        with pytest.raises(UsageError) as caught:
            read_attachment(tmp_path / name)
        assert caught.value.sentence.endswith(f" cannot be attached: {reason}."), name


def test_a_pipe_is_read_when_it_may_take_a_while(tmp_path: Path) -> None:
    """As the commands do for `--attach <(program)`; a device is refused even so."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("from a program",))
    writer.start()

    assert read_attachment(pipe, may_wait=True).text == "from a program"
    writer.join()
    with pytest.raises(UsageError):
        read_attachment(Path("/dev/zero"), may_wait=True)


def test_names_are_clean() -> None:
    """On one line, without code marks, and not too long."""
    assert clean_name("a\n`b`\x1b.py") == "a 'b'.py"
    assert len(clean_name("x" * 300)) == 100
    assert clean_name("\x1b") == "file"
    assert attachment("pasted.txt", "\n  a\n").text == "  a"
