"""The folders of files."""

from pathlib import Path

import pytest

from rustygpt_tui import locations


@pytest.mark.parametrize("kind", ["config", "state", "data"])
def test_a_folder_can_be_set_in_the_environment(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it is the user's standard folder, with the name of the program."""
    monkeypatch.setenv(f"RUSTYGPT_{kind.upper()}_DIR", "~/elsewhere")
    folder = getattr(locations, f"{kind}_folder")
    assert folder() == Path.home() / "elsewhere"
    monkeypatch.delenv(f"RUSTYGPT_{kind.upper()}_DIR")
    assert "rustygpt" in folder().parts
