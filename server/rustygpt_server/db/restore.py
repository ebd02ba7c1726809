"""Restoring a backup into an empty database, whose name may be another one.

Names of roles have the name of the database in them, so the definitions in the archive get those of
the new one. A start refuses a database whose restore is not finished.
"""

import asyncio
import re
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import asyncpg

from rustygpt_server.db.backup import Progress
from rustygpt_server.db.bootstrap import LOCK, bootstrap, connected
from rustygpt_server.db.client_programs import BackupError, address, find_programs, run_program

_PREFIX: Final = re.compile(
    r'^[A-Z]+ SCHEMA rustygpt OWNER TO "?(rustygpt_.*_)owner"?;$', re.MULTILINE
)
_OWNER: Final = re.compile(r"^([A-Z]+ SCHEMA rustygpt OWNER .*)$", re.MULTILINE)
_GENERATION: Final = re.compile(r"'(RustyGPT, schema generation \d+)'")
_COMMENT: Final = re.compile(r"^COMMENT ON SCHEMA rustygpt IS .*\n", re.MULTILINE)
_OF_THE_PROGRAM: Final = re.compile(r"^\\(un)?restrict .*\n", re.MULTILINE)
_GRANT: Final = re.compile(r'^(?:GRANT|REVOKE) [^\n]* (?:TO|FROM) "?([^\n"]*)"?;\n', re.MULTILINE)
_TABLE: Final = re.compile(r'data for table "rustygpt\.(\w+)"')
_KINDS: Final = ("owner", "reader", "app")


async def restore_backup(
    url: str, owner_url: str | None, file: Path, scripts: Path, now: datetime, progress: Progress
) -> None:
    """Restore a backup, and bring it to this release.

    Raises BackupError for a file that is no backup of RustyGPT, and for a database that is not
    empty; what a failed restore created is removed again.
    """
    owner = owner_url or url
    async with connected(owner) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        await _check_empty(connection, scripts)
        restore = _Restore(connection, owner, file, scripts, progress)
        try:
            await restore.run()
        except asyncpg.PostgresError as error:
            await _execute(connection, scripts, "restore/undo.sql")
            raise BackupError(f"The backup cannot be restored: {error}") from error
        except BaseException:
            await asyncio.shield(_execute(connection, scripts, "restore/undo.sql"))
            raise
    progress("bringing it to this release")
    await bootstrap(url, owner_url, scripts, now)


async def _check_empty(connection: Any, scripts: Path) -> None:
    """Raise BackupError if there is a RustyGPT; remove what an unfinished restore has left."""
    comment = await connection.fetchval(
        "SELECT obj_description(to_regnamespace('rustygpt'), 'pg_namespace')"
    )
    if comment == "RustyGPT, restore in progress":
        await _execute(connection, scripts, "restore/undo.sql")
    elif await connection.fetchval("SELECT to_regnamespace('rustygpt')") is not None:
        raise BackupError(
            "There is a RustyGPT in this database already; a backup is restored into an empty one: "
            "name another --data-dir, or another database in db.url."
        )


async def _execute(connection: Any, scripts: Path, name: str) -> None:
    await connection.execute((scripts / name).read_text("utf-8"))


class _Restore:
    """One restore, on a connection that has the lock."""

    def __init__(
        self, connection: Any, url: str, file: Path, scripts: Path, progress: Progress
    ) -> None:
        self._connection = connection
        self._url = url
        self._file = file
        self._scripts = scripts
        self._progress = progress
        self._programs = find_programs(connection.get_server_version().major)

    async def run(self) -> None:
        """Create the definitions, load the data, add indexes, constraints and policies; finish."""
        self._progress("reading the backup")
        before = await self._definitions("pre-data")
        after = await self._definitions("post-data")
        generation, prefix = self._checked(before)
        await _execute(self._connection, self._scripts, "bootstrap/005_roles.sql")
        own = await self._connection.fetchval("SELECT current_setting('rustygpt.role_prefix')")
        schema, rest = _split(_renamed(before, prefix, own))
        await self._connection.execute(schema)
        await _execute(self._connection, self._scripts, "restore/begin.sql")
        await self._connection.execute(rest)
        await self._load(f"{own}owner")
        self._progress("indexes and constraints")
        await self._connection.execute(_renamed(after, prefix, own))
        await self._finish(generation, f"{own}owner")

    async def _definitions(self, section: str) -> str:
        """Return the statements of a section, without those for psql."""
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder) / section
            await run_program(
                self._programs / "pg_restore",
                *(f"--section={section}", f"--file={written}", str(self._file)),
                environ={},
            )
            text = written.read_text("utf-8")
        return _OF_THE_PROGRAM.sub("", text)

    def _checked(self, definitions: str) -> tuple[str, str]:
        """Return the generation of the schema, and the prefix of its roles' names."""
        generation, prefix = _GENERATION.search(definitions), _PREFIX.search(definitions)
        if generation is None or prefix is None:
            raise BackupError(f"{self._file} is not a backup of RustyGPT.")
        check = (self._scripts / "bootstrap/001_check.sql").read_text("utf-8")
        ours = _GENERATION.search(check)
        if ours is None or ours[1] != generation[1]:
            raise BackupError(
                f"A development version before 0.1.0 made {self._file}, which cannot be restored."
            )
        return generation[1], prefix[1]

    async def _load(self, owner: str) -> None:
        """Load the data; row-level security and constraints come afterwards."""
        database, secret = address(self._url)

        def on_line(line: str) -> None:
            if found := _TABLE.search(line):
                self._progress(found[1])

        await run_program(
            self._programs / "pg_restore",
            *("--section=data", "--verbose", "--exit-on-error", "--single-transaction"),
            *(f"--role={owner}", f"--dbname={database}", str(self._file)),
            environ=secret,
            on_line=on_line,
        )

    async def _finish(self, generation: str, owner: str) -> None:
        await self._connection.execute(
            "SELECT set_config('rustygpt.generation', $1, false)", generation
        )
        await self._connection.execute("SELECT set_config('role', $1, false)", owner)
        await _execute(self._connection, self._scripts, "restore/finish.sql")
        await self._connection.execute("SELECT set_config('role', 'none', false)")


def _split(definitions: str) -> tuple[str, str]:
    """Return what creates the schema, and what creates everything in it."""
    before, owner, after = _OWNER.split(definitions, maxsplit=1)
    return before + owner, after


def _renamed(definitions: str, prefix: str, own: str) -> str:
    """Return statements for the roles of another database, without grants to unknown roles."""
    for kind in _KINDS:
        name = re.escape(f"{prefix}{kind}")
        definitions = re.sub(
            rf'"{name}"|(?<![\w"$]){name}(?![\w"$])', f'"{own}{kind}"', definitions
        )
    definitions = definitions.replace(f"'{prefix}'", f"'{own}'")
    definitions = _COMMENT.sub("", definitions)
    known = {"PUBLIC", *(f"{own}{kind}" for kind in _KINDS)}
    return _GRANT.sub(lambda found: found[0] if found[1] in known else "", definitions)
