"""A pool that measures what each statement touches, and rolls everything back."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from rustygpt_server.db.database import Database, Row

WARM_UPS: Final = 7
"""PL/pgSQL may change to a generic plan, one for all values, after five executions."""
PROCEDURE: Final = re.compile(r"rustygpt\.(\w+)\(")
"""The procedure that a statement of a wrapper calls."""
_BUFFERS: Final = (
    "Shared Hit Blocks",
    "Shared Read Blocks",
    "Temp Read Blocks",
    "Temp Written Blocks",
)
_SCANNED: Final = """
SELECT relname, seq_tup_read FROM pg_catalog.pg_stat_xact_user_tables WHERE schemaname = 'rustygpt'
"""


@dataclass(frozen=True)
class Cost:
    """What one execution of a statement touched, with everything that its procedure executes."""

    procedure: str
    buffers: int
    """Pages of 8 KiB that were read or found in memory; a page counts each time."""
    scanned: dict[str, int] = field(default_factory=dict)
    """The rows that sequential scans read, by table."""


class MeasuringDatabase(Database):
    """Executes each statement several times, then measures it; all of it is rolled back."""

    costs: list[Cost]

    def __init__(self, pool: Any, size: int) -> None:
        super().__init__(pool, size)
        self.costs = []

    async def fetch(self, query: str, *args: object) -> Sequence[Row]:
        """Return all rows of a statement, and add its cost."""
        async with self._connection() as connection, _rolled_back(connection):
            for _ in range(WARM_UPS):
                rows = await _execute(connection, query, *args)
            plans = [await _explain(connection, query, *args)]
            # What other values of the parameters lead to must be as good.
            await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            await _execute(connection, query, *args)
            plans.append(await _explain(connection, query, *args))
        found = PROCEDURE.search(query)
        assert found is not None, query
        buffers, scanned = max(plans, key=lambda plan: (sum(plan[1].values()), plan[0]))
        self.costs.append(Cost(found[1], buffers, scanned))
        return rows

    async def fetch_row(self, query: str, *args: object) -> Row | None:
        """Return the first row, or None, and add the statement's cost."""
        return next(iter(await self.fetch(query, *args)), None)

    async def fetch_value(self, query: str, *args: object) -> Any:
        """Return the first field of the first row, or None, and add the statement's cost."""
        row = await self.fetch_row(query, *args)
        return None if row is None else row[0]


@asynccontextmanager
async def _rolled_back(connection: Any) -> AsyncIterator[None]:
    """A transaction, or a savepoint in one, that leaves nothing."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def _execute(connection: Any, query: str, *args: object) -> list[Row]:
    async with _rolled_back(connection):
        return list(await connection.fetch(query, *args))


async def _explain(connection: Any, query: str, *args: object) -> tuple[int, dict[str, int]]:
    """Return how many buffers a statement touched, and how many rows were scanned by table."""
    before = dict(await connection.fetch(_SCANNED))
    [[text]] = await _execute(connection, f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *args)
    after = dict(await connection.fetch(_SCANNED))
    plan = json.loads(text)[0]["Plan"]
    scanned = {name: count - before.get(name, 0) for name, count in after.items()}
    return sum(plan[name] for name in _BUFFERS), {k: n for k, n in scanned.items() if n}
