"""Checks of the database: whether it responds, and whether it can store more."""

from rustygpt_server.db.database import Database


async def ping(db: Database) -> None:
    """Run an empty procedure; raise Unavailable when the database does not respond."""
    await db.fetch_value("SELECT rustygpt.ping()")


async def check_disk_space(db: Database) -> None:
    """Raise DiskFull when the database cannot write a megabyte more."""
    await db.fetch_value("SELECT rustygpt.check_disk_space()")
