"""Passing things: who is there, and who is writing."""

from uuid import UUID

from rustygpt_server.api.routing import RequestContext, RouteGroup
from rustygpt_shared import requests
from rustygpt_shared.models.presence import PresenceList


def make_area() -> RouteGroup:
    """The routes of presence and typing."""
    area = RouteGroup("presence")
    _read(area)
    _tell(area)
    return area


def _read(area: RouteGroup) -> None:
    @area.operation(
        "GET", "/api/conversations/<conversation_id:uuid>/presence", response=PresenceList
    )
    async def show_presence(call: RequestContext[None], conversation_id: UUID) -> PresenceList:
        """List who is there, and who is writing."""
        actor = call.caller.user.id
        return await call.services.presence.show_presence(actor, conversation_id)


def _tell(area: RouteGroup) -> None:
    @area.operation("POST", "/api/presence/heartbeat", body=requests.Heartbeat, status=204)
    async def beat_presence(call: RequestContext[requests.Heartbeat]) -> None:
        """Say that one is there; clients do so every 30 s."""
        await call.services.presence.heartbeat(call.caller.user.id, call.body.status)

    @area.operation("POST", "/api/typing", body=requests.SetTyping, status=204)
    async def type_in_thread(call: RequestContext[requests.SetTyping]) -> None:
        """Be shown as writing in a thread for at most 30 s; 0 ends it."""
        wanted = call.body
        await call.services.typing.set_typing(
            call.caller.user.id, wanted.conversation_id, wanted.root_id, wanted.seconds
        )
