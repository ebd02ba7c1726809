"""Check that a PostgreSQL accepts connections at a URL as a superuser.

`python -m tests.support.database.check_postgres URL` exits with 0 when it does.
"""

import asyncio
import sys

import asyncpg


async def is_usable(url: str) -> bool:
    """Return whether tests may create databases and roles at a URL."""
    try:
        connection = await asyncpg.connect(url, timeout=3)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    query = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    superuser = bool(await connection.fetchval(query))
    await connection.close()
    return superuser


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(is_usable(sys.argv[1])) else 1)
