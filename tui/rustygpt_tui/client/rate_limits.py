"""Calls for profiles and assignments of rate limits."""

from uuid import UUID

from rustygpt_shared.models.rate_limits import LimitAssignment, LimitProfile
from rustygpt_shared.requests import CreateLimitAssignment, CreateLimitProfile, UpdateLimitProfile
from rustygpt_tui.client.transport import Transport, new_key

_PROFILES = "/api/admin/limits/profiles"
_ASSIGNMENTS = "/api/admin/limits/assignments"


class RateLimitCalls(Transport):
    """Calls for rate limits, for administrators; each raises ClientError."""

    async def list_limit_profiles(self) -> list[LimitProfile]:
        """Return all profiles, by name."""
        return await self.call("GET", _PROFILES, list[LimitProfile])

    async def create_limit_profile(
        self, request: CreateLimitProfile, *, key: str | None = None
    ) -> LimitProfile:
        """Create a profile."""
        return await self.call("POST", _PROFILES, LimitProfile, body=request, key=key or new_key())

    async def update_limit_profile(self, id: UUID, request: UpdateLimitProfile) -> LimitProfile:
        """Change the rate or the description of a profile."""
        return await self.call(
            "PUT", f"{_PROFILES}/{id}", LimitProfile, body=request, idempotent=True
        )

    async def delete_limit_profile(self, id: UUID) -> None:
        """Delete a profile that is not assigned to routes."""
        await self.call_no_content("DELETE", f"{_PROFILES}/{id}")

    async def list_limit_assignments(self) -> list[LimitAssignment]:
        """Return which profiles limit which routes, by pattern."""
        return await self.call("GET", _ASSIGNMENTS, list[LimitAssignment])

    async def create_limit_assignment(self, request: CreateLimitAssignment) -> LimitAssignment:
        """Set the profile of the routes that a pattern matches."""
        return await self.call("POST", _ASSIGNMENTS, LimitAssignment, body=request, idempotent=True)

    async def delete_limit_assignment(self, id: UUID) -> None:
        """Delete an assignment."""
        await self.call_no_content("DELETE", f"{_ASSIGNMENTS}/{id}")
