"""Passing things: who is there, and who is writing."""

from uuid import UUID

from rustygpt_server.api.http import Area, Call
from rustygpt_shared import requests
from rustygpt_shared.models.presence import PresenceList


def make_area() -> Area:
    """The routes of presence and typing."""
    area = Area("presence")
    _read(area)
    _tell(area)
    return area


def _read(area: Area) -> None:
    @area.operation(
        "GET", "/api/conversations/<conversation_id:uuid>/presence", answer=PresenceList
    )
    async def show_presence(call: Call[None], conversation_id: UUID) -> PresenceList:
        """List who is there, and who is writing."""
        actor = call.signed.user.id
        return await call.services.presence.show_presence(actor, conversation_id)


def _tell(area: Area) -> None:
    @area.operation("POST", "/api/presence/heartbeat", body=requests.Beat, status=204)
    async def beat_presence(call: Call[requests.Beat]) -> None:
        """Say that one is there; clients do so every 30 s."""
        await call.services.presence.beat_presence(call.signed.user.id, call.body.status)

    @area.operation("POST", "/api/typing", body=requests.Type, status=204)
    async def type_in_thread(call: Call[requests.Type]) -> None:
        """Be shown as writing in a thread for at most 30 s; 0 ends it."""
        wanted = call.body
        await call.services.typists.type_in_thread(
            call.signed.user.id, wanted.conversation_id, wanted.root_id, wanted.seconds
        )
