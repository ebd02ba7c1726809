"""Copying to the clipboard, and the sentence about it."""

import base64
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rustygpt_tui.conversation.clipboard import SEQUENCE_MAX, Clipboard

ClipboardFactory = Callable[..., Clipboard]


@pytest.fixture
def written() -> list[str]:
    """The sequences that were written to the terminal."""
    return []


@pytest.fixture
def clipboard(tmp_path: Path, written: list[str]) -> ClipboardFactory:
    """A factory of clipboards in an environment; only programs of the test are installed."""

    def make(**environ: str) -> Clipboard:
        full_environ = {"PATH": str(tmp_path / "bin"), "TERM": "xterm-256color", **environ}
        return Clipboard(full_environ, tmp_path / "state", written.append)

    return make


def _install_program(tmp_path: Path, name: str, code: str) -> None:
    """Write an executable shell script."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{code}\n")
    file.chmod(0o755)


async def test_a_clipboard_program_is_used_first(
    tmp_path: Path, clipboard: ClipboardFactory, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program gets the text, and the terminal gets no sequence."""
    _install_program(tmp_path, "xclip", f"exec /bin/cat > {tmp_path}/received")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert await clipboard(DISPLAY=":0").copy("some text\x1b[2J") == "Copied."
    assert (tmp_path / "received").read_text() == "some text[2J"
    assert written == []


async def test_over_ssh_the_text_goes_to_the_terminal_and_a_file(
    tmp_path: Path, clipboard: ClipboardFactory, written: list[str]
) -> None:
    """The sentence promises nothing, and only the owner may read the file."""
    _install_program(tmp_path, "xclip", "exit 0")
    sentence = await clipboard(DISPLAY=":0", SSH_CONNECTION="a b").copy("日本")
    file = tmp_path / "state" / "copied.txt"
    encoded = base64.b64encode("日本".encode()).decode()
    assert sentence == f"Sent to the terminal. If it does not paste, it is in {file}."
    assert written == [f"\x1b]52;c;{encoded}\x07"]
    assert file.read_text() == "日本"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_in_tmux_the_sequence_is_wrapped(
    tmp_path: Path, clipboard: ClipboardFactory, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text goes into a tmux buffer, and the sequence to the outer terminal."""
    _install_program(
        tmp_path, "tmux", f'echo "$@" > {tmp_path}/arguments; exec /bin/cat > {tmp_path}/received'
    )
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    sentence = await clipboard(TMUX="/x,1,0", SSH_TTY="/dev/pts/0").copy("text")
    assert sentence.startswith("Copied into tmux")
    assert (tmp_path / "arguments").read_text() == "load-buffer -w -\n"
    assert (tmp_path / "received").read_text() == "text"
    assert written[1] == f"\x1bPtmux;\x1b{written[0]}\x1b\\"


async def test_an_unsupported_terminal_gets_no_sequence(
    tmp_path: Path, clipboard: ClipboardFactory, written: list[str]
) -> None:
    """On plain consoles and for texts that are too long, there is only the file."""
    file = tmp_path / "state" / "copied.txt"
    for instance, text in (
        (clipboard(TERM="linux"), "a"),
        (clipboard(TERM_PROGRAM="Apple_Terminal"), "b"),
        (clipboard(), "c" * SEQUENCE_MAX),
    ):
        sentence = await instance.copy(text)
        assert sentence == f"No clipboard can be reached from here; it is in {file}."
        assert file.read_text() == text
    assert written == []


async def test_failures_are_reported(
    tmp_path: Path, clipboard: ClipboardFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed program is not trusted, and a file that cannot be written is reported."""
    _install_program(tmp_path, "xclip", "exit 1")
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]]))
    (tmp_path / "state").write_text("in the way")
    sentence = await clipboard(DISPLAY=":0", TERM="dumb").copy("text")
    assert sentence.startswith("Not copied: it could not be kept in")
