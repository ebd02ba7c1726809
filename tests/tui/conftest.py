"""Folders of a test's own, a clock in one zone, and no cursor that blinks."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test of the terminal has its own folders, and sees the same time zone."""
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"RUSTYGPT_{kind}_DIR", str(tmp_path / kind.lower()))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLORTERM", "truecolor")
    for outer in ("NO_COLOR", "TMUX", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(outer, raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
