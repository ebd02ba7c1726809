"""A database with many users, their sessions, and conversations with predictable ids."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from tests.support.database import databases
from tests.support.database.database_builder import PASSWORD_HASH, DatabaseBuilder

from rustygpt_server.db import conversations, participants, sessions
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.services.secret_tokens import hash_token
from rustygpt_shared.requests import CreateConversation

PEOPLE = 100
CONVERSATIONS = 50
CONVERSATION_ID = "00000000-0000-0000-0000-00000000{room4}"
"""The id of a conversation, in the load client's notation."""


async def create_dataset(url: str, login: PoolLogin, folder: Path) -> Path:
    """Create users and conversations; return a file with one cookie per line.

    All users are in the first conversation, and user n in conversation n modulo CONVERSATIONS.
    """
    async with databases.pool(url, login) as database:
        builder = await DatabaseBuilder.create(database)
        builder.now = datetime.now(UTC)
        people = [await builder.person(f"p{number}") for number in range(PEOPLE)]
        for number in range(CONVERSATIONS):
            members = people if number == 0 else people[number::CONVERSATIONS]
            await _create_conversation(builder, number, members)
        cookies = [await _sign_in(builder, person) for person in people]
    file = folder / "cookies"
    file.write_text("\n".join(cookies) + "\n")
    return file


async def _create_conversation(builder: DatabaseBuilder, number: int, members: list[UUID]) -> None:
    conversation_id = UUID(CONVERSATION_ID.format(room4=f"{number:04}"))
    request = CreateConversation("Benchmark", is_group=True, assistant_mode="off")
    await conversations.create_conversation(
        builder.db, members[0], conversation_id, request, None, builder.now
    )
    for person in members[1:]:
        await participants.add_participant(
            builder.db, members[0], conversation_id, person, "member", builder.now
        )


async def _sign_in(builder: DatabaseBuilder, person: UUID) -> str:
    token = secrets.token_urlsafe(32)
    new = sessions.NewSession(
        builder.id(), person, PASSWORD_HASH, hash_token(token), None, "127.0.0.1"
    )
    limits = sessions.SessionLimits(28_800, 604_800, 10)
    await sessions.start_session(builder.db, new, limits, builder.now)
    return f"SESSION_ID={token}"
