"""Where files are."""

from pathlib import Path

import pytest

from rustygpt_tui import locations


@pytest.mark.parametrize("kind", ["config", "state", "cache", "data"])
def test_a_folder_can_be_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the environment; else it is the user's own, named after the program."""
    monkeypatch.setenv(f"RUSTYGPT_{kind.upper()}_DIR", "~/elsewhere")
    folder = getattr(locations, f"{kind}_folder")
    assert folder() == Path.home() / "elsewhere"
    monkeypatch.delenv(f"RUSTYGPT_{kind.upper()}_DIR")
    assert "rustygpt" in folder().parts
