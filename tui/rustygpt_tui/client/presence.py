"""Calls about who is there and who is writing."""

from uuid import UUID

from rustygpt_shared.models.presence import PresenceList
from rustygpt_shared.requests import Heartbeat, SetTyping
from rustygpt_tui.client.transport import Transport


class PresenceCalls(Transport):
    """Presence and typing; every call raises Failure."""

    async def show_presence(self, id: UUID) -> PresenceList:
        """Who of a conversation is there, and who is writing."""
        return await self.call("GET", f"/api/conversations/{id}/presence", PresenceList)

    async def record_heartbeat(self) -> None:
        """Say that one is there."""
        await self.call_no_content(
            "POST", "/api/presence/heartbeat", body=Heartbeat(), idempotent=True
        )

    async def set_typing(self, conversation_id: UUID, root_id: UUID, seconds: int) -> None:
        """Be shown as writing in a thread for so many seconds; 0 ends it."""
        body = SetTyping(conversation_id, root_id, seconds)
        await self.call_no_content("POST", "/api/typing", body=body, idempotent=True)
