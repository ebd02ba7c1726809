"""Fixtures of the terminal tests: separate folders, a fixed time zone, a plain environment."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give every test its own folders and the same time zone."""
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"RUSTYGPT_{kind}_DIR", str(tmp_path / kind.lower()))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLORTERM", "truecolor")
    for variable in (
        "NO_COLOR",
        "TMUX",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "SSH_CONNECTION",
        "SSH_TTY",
        "RUSTYGPT_TOKEN",
    ):
        monkeypatch.delenv(variable, raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
