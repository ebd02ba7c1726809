"""The wheel holds all that runs."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_wheel_holds_code_scripts_and_page(tmp_path: Path) -> None:
    """Every file of the five folders is in it, at the place where the program looks."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path), "."],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())

    assert _expected() - held == set()
    assert not [name for name in held if name.startswith(("tests/", "docs/"))]


def _expected() -> set[str]:
    places = {"shared": "", "server": "", "tui": "", "sql": "rustygpt_server/_sql/"}
    places["web"] = "rustygpt_server/_web/"
    found = set()
    for folder, place in places.items():
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                found.add(place + file.relative_to(ROOT / folder).as_posix())
    return found
