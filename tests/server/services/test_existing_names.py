"""Accounts whose names break the rule for names."""

from typing import Any

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.servers.in_process_server import InProcessServer

from rustygpt_server.services.existing_names import warn_of_broken_names


async def test_existing_accounts_are_listed_and_go_on(
    builder: DatabaseBuilder, superuser: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reserved words, forms of before, and the later one of two that look alike."""
    for name in ("ali", "Assistant", "zoë", "alice", "a1ice", "x"):
        await builder.person(name)
    bob = await builder.person("bob", display_name="\u0430lice")
    assert await superuser.fetchval("SELECT count(*) FROM rustygpt.name_skeletons") == 0
    await warn_of_broken_names(builder.db)
    first = capsys.readouterr().out
    await warn_of_broken_names(builder.db)

    assert "accounts=['a1ice', 'Assistant', 'bob', 'x', 'zoë']" in first
    assert capsys.readouterr().out.partition("names of")[2] == first.partition("names of")[2]
    query = "SELECT count(DISTINCT user_id) FROM rustygpt.name_skeletons"
    assert await superuser.fetchval(query) == 8
    assert bob


async def test_names_that_follow_the_rule_are_not_mentioned(
    server: InProcessServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names that were stored by the server need no further look."""
    await server.person("ann")
    before = server.statements
    await warn_of_broken_names(server.components.db)

    assert server.statements - before == 2
    assert "names of accounts" not in capsys.readouterr().out
