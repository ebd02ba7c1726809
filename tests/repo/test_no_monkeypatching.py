"""Tests use the real code: what they need to change is injected."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
FORBIDDEN = re.compile(r"monkeypatch\.setattr|unittest\.mock|\bmocker\b|\bMagicMock\b")


def test_no_test_replaces_our_own_code() -> None:
    """`monkeypatch` sets environment variables and folders, nothing else."""
    uses = [
        f"{file.relative_to(TESTS)}:{number}"
        for file in sorted(TESTS.rglob("*.py"))
        if file != Path(__file__)
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]

    assert uses == []
