"""The reachability check of the database."""

from rustygpt_server.db.database import Database


async def ping(db: Database) -> None:
    """Run an empty procedure; raise Unavailable when the database does not respond."""
    await db.fetch_value("SELECT rustygpt.ping()")
