"""Operators: logins that are not superusers, and that bootstrap a database."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.support.database import databases
from tests.support.database.databases import connected


class Operators:
    """Creates logins that are not superusers, for one test."""

    def __init__(self, connection: Any, url: str) -> None:
        self._connection = connection
        self.url = url
        self._made: list[str] = []
        self.database = urlsplit(url).path[1:]

    async def make(self, rights: str = "") -> tuple[str, str]:
        """Create a login; returns its name, and its URL of the database."""
        name = f"rgt_op_{secrets.token_hex(4)}"
        await self._connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'pw' {rights}")
        self._made.append(name)
        parts = urlsplit(self.url)
        place = parts.netloc.rpartition("@")[2]
        return name, urlunsplit(parts._replace(netloc=f"{name}:pw@{place}"))

    async def allow(self, statement: str) -> None:
        """Execute a statement as an administrator of PostgreSQL."""
        await self._connection.execute(statement)

    async def drop(self) -> None:
        """Drop the logins, after their database."""
        for name in self._made:
            await self._connection.execute(f"DROP ROLE IF EXISTS {name}")


@asynccontextmanager
async def created_operators(cluster_url: str) -> AsyncIterator[Operators]:
    """Create a database within the block, and a way to create logins for it."""
    url = await databases.create(cluster_url)
    async with connected(cluster_url) as connection:
        made = Operators(connection, url)
        try:
            yield made
        finally:
            await databases.drop(cluster_url, url)
            await made.drop()
