"""The top of the house: what stands there, and the commands a newcomer types."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLAN = {
    *("pyproject.toml", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"),
    *("DECISIONS.md", "SECURITY.md", "LICENSE", "Makefile", ".ci", ".gitignore"),
    *(".gitattributes", ".editorconfig", "shared", "server", "tui", "sql", "web", "tests"),
    *("deploy", "docs"),
}


def test_nothing_stands_at_the_top_that_the_plan_lacks() -> None:
    """The top level stays as it was laid."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    tops = {name.partition("/")[0] for name in listed.split("\0") if name}

    assert tops - PLAN == set()


def test_the_readme_starts_with_the_two_commands() -> None:
    """`make run` and `make test` are told, and the Makefile has them."""
    readme = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")

    for command in ("run", "test"):
        assert f"make {command}" in readme
        assert re.search(rf"^{command}:", makefile, re.MULTILINE)


def test_links_between_pages_lead_somewhere() -> None:
    """A relative link in a document names a file that is there."""
    broken = [
        f"{page.name}: {target}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]

    assert broken == []
