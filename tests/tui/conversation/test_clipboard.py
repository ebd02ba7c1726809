"""What is copied, and what is said of it."""

import base64
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rustygpt_tui.conversation.clipboard import SEQUENCE_MAX, Clipboard

Make = Callable[..., Clipboard]


@pytest.fixture
def written() -> list[str]:
    """What reached the terminal."""
    return []


@pytest.fixture
def clipboard(tmp_path: Path, written: list[str]) -> Make:
    """A clipboard in an environment; its programs are those that the test wrote."""

    def make(**environ: str) -> Clipboard:
        known = {"PATH": str(tmp_path / "bin"), "TERM": "xterm-256color", **environ}
        return Clipboard(known, tmp_path / "state", written.append)

    return make


def _program(tmp_path: Path, name: str, code: str) -> None:
    """A program as they are installed: a file that can be run."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{code}\n")
    file.chmod(0o755)


async def test_a_program_of_this_machine_is_enough(
    tmp_path: Path, clipboard: Make, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets the text, and only then "copied" is said; the terminal is not bothered."""
    _program(tmp_path, "xclip", f"exec /bin/cat > {tmp_path}/got")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert await clipboard(DISPLAY=":0").copy("some text\x1b[2J") == "Copied."
    assert (tmp_path / "got").read_text() == "some text[2J"
    assert written == []


async def test_over_ssh_the_terminal_is_asked_and_a_file_keeps_it(
    tmp_path: Path, clipboard: Make, written: list[str]
) -> None:
    """The sequence never answers, so nothing is promised; only the owner reads the file."""
    _program(tmp_path, "xclip", "exit 0")
    said = await clipboard(DISPLAY=":0", SSH_CONNECTION="a b").copy("日本")
    file = tmp_path / "state" / "copied.txt"
    encoded = base64.b64encode("日本".encode()).decode()
    assert said == f"Sent to the terminal. If it does not paste, it is in {file}."
    assert written == [f"\x1b]52;c;{encoded}\x07"]
    assert file.read_text() == "日本"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_in_tmux_the_sequence_is_wrapped(
    tmp_path: Path, clipboard: Make, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tmux keeps the text itself, and lets the sequence through to the terminal outside."""
    _program(tmp_path, "tmux", f'echo "$@" > {tmp_path}/asked; exec /bin/cat > {tmp_path}/got')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    said = await clipboard(TMUX="/x,1,0", SSH_TTY="/dev/pts/0").copy("text")
    assert said.startswith("Copied into tmux")
    assert (tmp_path / "asked").read_text() == "load-buffer -w -\n"
    assert (tmp_path / "got").read_text() == "text"
    assert written[1] == f"\x1bPtmux;\x1b{written[0]}\x1b\\"


async def test_a_terminal_that_cannot_is_not_asked(
    tmp_path: Path, clipboard: Make, written: list[str]
) -> None:
    """Plain consoles, and texts that are too long for the sequence: the file is all there is."""
    file = tmp_path / "state" / "copied.txt"
    for made, text in (
        (clipboard(TERM="linux"), "a"),
        (clipboard(TERM_PROGRAM="Apple_Terminal"), "b"),
        (clipboard(), "c" * SEQUENCE_MAX),
    ):
        said = await made.copy(text)
        assert said == f"No clipboard can be reached from here; it is in {file}."
        assert file.read_text() == text
    assert written == []


async def test_nothing_is_claimed_that_was_not_done(
    tmp_path: Path, clipboard: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that fails is not believed, and a folder that takes no file is said."""
    _program(tmp_path, "xclip", "exit 1")
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]]))
    (tmp_path / "state").write_text("in the way")
    said = await clipboard(DISPLAY=":0", TERM="dumb").copy("text")
    assert said.startswith("Not copied: it could not be kept in")
