"""A database with many people, their sessions, and conversations whose ids can be counted."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from tests.support import databases
from tests.support.scene import Scene

from rustygpt_server.db import conversations, members, sessions
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.services.sessions import hash_token
from rustygpt_shared.requests import CreateConversation

PEOPLE = 100
ROOMS = 50
ROOM = "00000000-0000-0000-0000-00000000{room4}"
"""The id of a conversation, as the load client writes it."""


async def settle(url: str, login: PoolLogin, folder: Path) -> Path:
    """Everybody is in the first conversation, and person n in the one of number n modulo ROOMS.

    Answers a file of cookies, a line each.
    """
    async with databases.pool(url, login) as database:
        scene = await Scene.begin(database)
        scene.now = datetime.now(UTC)
        people = [await scene.person(f"p{number}") for number in range(PEOPLE)]
        for number in range(ROOMS):
            inside = people if number == 0 else people[number::ROOMS]
            await _room(scene, number, inside)
        cookies = [await _sign_in(scene, person) for person in people]
    file = folder / "cookies"
    file.write_text("\n".join(cookies) + "\n")
    return file


async def _room(scene: Scene, number: int, inside: list[UUID]) -> None:
    room = UUID(ROOM.format(room4=f"{number:04}"))
    wanted = CreateConversation("Room", is_group=True, assistant_mode="off")
    await conversations.create_conversation(scene.db, inside[0], room, wanted, None, scene.now)
    for person in inside[1:]:
        await members.add_participant(scene.db, inside[0], room, person, "member", scene.now)


async def _sign_in(scene: Scene, person: UUID) -> str:
    token = secrets.token_urlsafe(32)
    new = sessions.NewSession(scene.id(), person, hash_token(token), None, "127.0.0.1")
    windows = sessions.Windows(28_800, 604_800, 10)
    await sessions.start_session(scene.db, new, windows, scene.now)
    return f"SESSION_ID={token}"
