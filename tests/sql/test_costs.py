"""What a request costs does not grow with what is stored: a million messages and their neighbours.

Each statement of the wrappers is executed on two databases, of which one has 100 times as much.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from tests.support.database import databases
from tests.support.database.large_database import LARGE, SMALL, Sizes, fill
from tests.support.database.measuring_database import PROCEDURE, Cost, MeasuringDatabase
from tests.support.database.search_calls import SEARCHES
from tests.support.database.statement_calls import CALLS as OTHER_CALLS
from tests.support.database.usage_calls import USAGE

from rustygpt_server import db as wrappers
from rustygpt_server.db.bootstrap import PoolLogin

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("large database"),
]

CALLS: Final = {**OTHER_CALLS, **SEARCHES, **USAGE}
GROWTH: Final = 3
"""How many times as much a statement may touch where 100 times as much is stored."""
FEW_BUFFERS: Final = 400
"""What any statement may touch: two levels more of an index count for each row of a page, and a
plan that is made again reads the catalogue."""
MOST_BUFFERS: Final = 4_000
"""The most that any may touch: ten conversations, each with up to 1,000 unread messages."""
SCANNED_ROWS: Final = 200
"""How many rows sequential scans may read: those of tables that do not grow."""

NO_REQUEST: Final = {
    "prune_access_changes": "maintenance, every five minutes",
    "prune_events": "maintenance, every five minutes",
    "prune_invites": "maintenance, every five minutes",
    "prune_limit_cells": "maintenance, every five minutes",
    "prune_device_logins": "maintenance, every five minutes",
    "prune_oauth_flows": "maintenance, every five minutes",
    "prune_sessions": "maintenance, every five minutes",
    "prune_tokens": "maintenance, every five minutes",
    "purge_conversations": "maintenance, in batches",
    "fill_search": "maintenance, twice a second, in batches",
    "set_search_language": "once, when the server starts",
    "count_sessions": "a gauge, every 15 seconds",
    "list_broken_names": "once, when the server starts",
    "list_unclaimed_names": "once, when the server starts",
    "store_skeletons": "once, when the server starts",
    "list_recently_seen": "once, when the server starts",
    "list_scripts": "when the server starts, and in a readiness check; reads one small table",
    "set_up": "once, while there are no accounts",
    "ping": "reads no table",
    "from_address": "reads no table",
    "prune_audit": "maintenance, every five minutes",
    "list_expired": "maintenance, every five minutes; 200 conversations at a time",
    "expire_messages": "maintenance, in batches",
    "purge_deleted_messages": "maintenance, in batches",
    "remove_empty_threads": "maintenance, in batches",
    "preview_retention": "an administrator's dry run, which visits every conversation",
    "check_disk_space": "reads no table",
    "notify_processes": "reads no table",
    "read_limit_profiles": "at most 100 rows",
    "read_limit_assignments": "at most 500 rows",
    "list_limit_profiles": "at most 100 rows",
    "list_limit_assignments": "at most 500 rows",
    "create_limit_profile": "at most 100 rows",
    "create_limit_assignment": "at most 500 rows",
    "update_limit_profile": "at most 100 rows",
    "delete_limit_profile": "at most 100 rows",
    "delete_limit_assignment": "at most 500 rows",
}
"""Procedures that requests seldom or never execute, or that access no table that grows; and why."""


@dataclass(frozen=True)
class Site:
    """A database that was filled."""

    url: str
    login: PoolLogin
    sizes: Sizes


@pytest.fixture(scope="module")
def sites(cluster_url: str) -> Iterator[tuple[Site, Site]]:
    """Yield a small database, and one with 100 times as much."""
    small, large = (asyncio.run(_create(cluster_url, sizes)) for sizes in (SMALL, LARGE))
    yield small, large
    for site in (small, large):
        asyncio.run(databases.drop(cluster_url, site.url))


async def _create(cluster_url: str, sizes: Sizes) -> Site:
    url = await databases.create(cluster_url)
    login = await databases.prepare(url)
    await fill(url, sizes)
    return Site(url, login, sizes)


async def _cost(site: Site, name: str) -> Cost:
    """Return the cost of a call's statement."""
    database = await MeasuringDatabase.connect(
        site.url, user=site.login.user, password=site.login.password, size=1
    )
    try:
        await CALLS[name](database, site.sizes)
    finally:
        await database.close()
    assert isinstance(database, MeasuringDatabase)
    [cost] = database.costs
    return cost


def test_every_statement_of_the_wrappers_is_called() -> None:
    """A new procedure needs a call, or a reason why no request executes it."""
    folder = Path(wrappers.__path__[0])
    used = {
        name for file in folder.glob("*.py") for name in PROCEDURE.findall(file.read_text("utf-8"))
    }
    # What a bootstrap calls as the owner is not among them.
    used -= {"read_applied_scripts", "retire_script", "app_password", "role_of"}
    used -= {"excess_privileges", "record_script"}
    used -= {"record_backup", "last_backup", "login_sees_all_rows"}
    called = {name.partition(" ")[0] for name in CALLS}

    assert used == called | set(NO_REQUEST)
    assert not called & set(NO_REQUEST)


@pytest.mark.parametrize("name", CALLS)
async def test_a_statement_touches_as_much_in_a_large_database(
    sites: tuple[Site, Site], name: str
) -> None:
    """Nothing that grows is read from end to end."""
    small, large = [await _cost(site, name) for site in sites]

    assert small.procedure == large.procedure == name.partition(" ")[0]
    assert sum(large.scanned.values()) <= SCANNED_ROWS, large.scanned
    assert large.buffers <= min(max(GROWTH * small.buffers, FEW_BUFFERS), MOST_BUFFERS), small
