"""The top level of the repository, its two commands, and the links and paths in documents."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests/support/README.md"]
PLAN = frozenset(
    """
    pyproject.toml README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md DECISIONS.md SECURITY.md
    LICENSE Makefile .ci .gitignore .gitattributes .editorconfig
    shared server tui sql web tests deploy docs
    """.split()  # noqa: SIM905 - a list of names is easier to read so
)
_PATH = re.compile(r"`((?:server|tui|shared|web|sql|tests|docs)/[\w./-]+)`")


def test_the_top_level_has_nothing_that_is_not_planned() -> None:
    """A new file or folder at the top level is a decision."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    tops = {name.partition("/")[0] for name in listed.split("\0") if name}

    assert tops - PLAN == set()


def test_the_readme_starts_with_the_two_commands() -> None:
    """The README names `make run` and `make test`, and the Makefile has them."""
    readme = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")

    for command in ("run", "test"):
        assert f"make {command}" in readme
        assert re.search(rf"^{command}:", makefile, re.MULTILINE)


def test_relative_links_lead_to_files() -> None:
    """A relative link in a document names an existing file."""
    broken = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]

    assert broken == []


def test_paths_in_documents_exist() -> None:
    """A path below one of the folders of the code, in backticks, names a file, module or folder."""
    broken = [
        f"{page.name}: {path}"
        for page in PAGES
        for path in _PATH.findall(page.read_text("utf-8"))
        if not any((base / f"{path}{end}").exists() for base in _BASES for end in ("", ".py"))
    ]

    assert broken == []


_BASES = (ROOT, ROOT / "tests")
