"""Calls for presence and typing indicators."""

from uuid import UUID

from rustygpt_shared.models.presence import PresenceList
from rustygpt_shared.requests import Heartbeat, SetTyping
from rustygpt_tui.client.transport import Transport


class PresenceCalls(Transport):
    """Calls for presence and typing; each raises ClientError."""

    async def show_presence(self, id: UUID) -> PresenceList:
        """Return the presence of a conversation's participants, and who of them is typing."""
        return await self.call("GET", f"/api/conversations/{id}/presence", PresenceList)

    async def record_heartbeat(self) -> None:
        """Report that the caller is present; the server expects it every 30 s."""
        await self.call_no_content(
            "POST", "/api/presence/heartbeat", body=Heartbeat(), idempotent=True, may_wait=False
        )

    async def set_typing(self, conversation_id: UUID, root_id: UUID, seconds: int) -> None:
        """Show the caller as typing in a thread for `seconds`; 0 stops it."""
        body = SetTyping(conversation_id, root_id, seconds)
        await self.call_no_content(
            "POST", "/api/typing", body=body, idempotent=True, may_wait=False
        )
