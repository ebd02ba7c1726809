"""A thread of any size in a server's database."""

from uuid import UUID

from tests.support.database import bulk_threads, databases


def message_id(root: UUID, number: int) -> str:
    """Return the id of the message with this number."""
    return str(bulk_threads.message_id(root, number))


async def fill_thread(
    database_url: str, root: UUID, author: UUID, count: int, branch_length: int = 5
) -> None:
    """Add messages to a thread that has only its root, in branches of this length."""
    async with databases.connected(database_url) as connection:
        await bulk_threads.fill_thread(connection, root, author, count, branch_length)
