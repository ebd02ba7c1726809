"""Whether the database is there and ready."""

from rustygpt_server.db.database import Database


async def ping(db: Database) -> None:
    """Ask the database for nothing; Unavailable when it does not answer."""
    await db.fetch_value("SELECT rustygpt.ping()")
