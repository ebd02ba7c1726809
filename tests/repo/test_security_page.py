"""What SECURITY.md claims is held by tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _claims() -> list[tuple[str, list[str]]]:
    """Return each claim of the tables with the files of its tests."""
    rows = re.findall(
        r"^\| (.+) \| (.+) \|$", (ROOT / "SECURITY.md").read_text("utf-8"), re.MULTILINE
    )
    return [
        (claim, re.findall(r"`([^`]+)`", files))
        for claim, files in rows
        if claim not in ("what holds", "---")
    ]


def test_each_claim_names_files_with_tests() -> None:
    """A claim without a test is no claim."""
    claims = _claims()
    missing = [
        (claim, file)
        for claim, files in claims
        for file in files or ["none"]
        if not (ROOT / file).is_file() or "def test_" not in (ROOT / file).read_text("utf-8")
    ]

    assert len(claims) > 30
    assert missing == []
