"""`python -m tests.support.answers URL`: whether a superuser's PostgreSQL answers there."""

import asyncio
import sys

import asyncpg


async def answers(url: str) -> bool:
    """Whether tests may make databases and roles at a URL."""
    try:
        connection = await asyncpg.connect(url, timeout=3)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    asked = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    superuser = bool(await connection.fetchval(asked))
    await connection.close()
    return superuser


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(answers(sys.argv[1])) else 1)
