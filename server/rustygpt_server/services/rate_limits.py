"""Rate limits: the profiles and assignments in force, counting requests, and administration.

Requests of ordinary routes are counted in the memory of each process, logins and posts in the
database: exactly, whichever process gets them. Profiles and assignments are in the database; a
change is logged as an access change, so that every process applies it within a second.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Final, NoReturn, Self
from uuid import UUID

from rustygpt_server.db import rate_limits
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.database import Database
from rustygpt_server.db.rate_limits import ProfileRow
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.errors import RateLimited, RequestError
from rustygpt_server.rates import LimitState, Rate
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.rate_limit_cells import RateLimitCells
from rustygpt_server.services.route_patterns import best_match, pattern_key
from rustygpt_server.telemetry import log, log_security
from rustygpt_shared import requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.rate_limits import LimitAssignment, LimitParams, LimitProfile
from rustygpt_shared.settings import RateLimits as RateLimitSettings

_log = log(__name__)

DEFAULT: Final = "default"
LOGIN: Final = "auth.login"
KNOWN_ADDRESS: Final = timedelta(days=30)
"""How long the logins of an account from an address are counted apart from those from elsewhere."""
PRUNE_BATCH: Final = 10_000
MAX_LABELS: Final = 100
"""How many names of profiles become labels of metrics; further ones are counted as `other`."""


class RateLimits:
    """The rate limits of one process: within `async with` they are loaded after each change."""

    def __init__(
        self, db: Database, access: AccessMonitor, settings: RateLimitSettings, runtime: Runtime
    ) -> None:
        self._db = db
        self._access = access
        self._settings = settings
        self._clock = runtime.clock
        self._limits = runtime.limits
        self._metrics = runtime.metrics
        self._rates: dict[str, Rate] = {}
        self._assignments: list[LimitAssignment] = []
        self._by_route: dict[tuple[str, str], Rate] = {}
        """The rates of routes, as far as they were needed since the last load."""
        self._users = RateLimitCells()
        self._addresses = RateLimitCells()
        self._labels: set[str] = set()
        self._is_stale = True
        self._loaded_at = 0.0
        self._loading: asyncio.Task[None] | None = None
        self._load_lock = asyncio.Lock()
        """Held while loading: the last load to end has read last."""
        self._apply([])
        access.subscribe(self._on_access_change)

    @property
    def enabled(self) -> bool:
        """False when no request is limited."""
        return self._settings.enabled

    # What is in force

    async def load(self) -> None:
        """Load profiles and assignments from the database."""
        async with self._load_lock:
            self._is_stale = False
            try:
                profiles = await rate_limits.read_limit_profiles(self._db)
                self._assignments = await rate_limits.read_limit_assignments(self._db)
            except BaseException:
                self._is_stale = True
                raise
            self._apply(profiles)
            self._loaded_at = self._clock.monotonic()

    async def __aenter__(self) -> Self:
        await self.load()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._loading:
            self._loading.cancel()
            await asyncio.wait([self._loading])

    async def load_if_due(self) -> None:
        """Load profiles and assignments after a change, and from time to time."""
        due = self._loaded_at + self._limits.limits_reload
        if self._is_stale or self._clock.monotonic() >= due:
            await self.load()

    async def prune(self) -> None:
        """Delete cells from the database that say nothing any more."""
        while await rate_limits.prune_limit_cells(self._db, self._clock.now(), PRUNE_BATCH) == (
            PRUNE_BATCH
        ):
            pass

    def rate_of(self, method: str, template: str) -> Rate:
        """Return the rate of a route: that of the most specific pattern, else `default`."""
        rate = self._by_route.get((method, template))
        if rate is None:
            assignment = best_match(self._assignments, method, template)
            name = assignment.profile_name if assignment else DEFAULT
            rate = self._rates.get(name, self._rates[DEFAULT])
            self._by_route[method, template] = rate
        return rate

    @property
    def default_rate(self) -> Rate:
        """The rate of the profile `default`."""
        return self._rates[DEFAULT]

    # Counting

    def take(self, rate: Rate, user_id: UUID | None, address: str) -> LimitState:
        """Count a request of a user, else of an address; raise RateLimited beyond the limit."""
        cells, caller = (self._users, user_id) if user_id else (self._addresses, address)
        state = cells.take(rate, caller, int(self._clock.monotonic() * 1_000_000))
        if state.retry_after_seconds is not None:
            raise RateLimited(state)
        return state

    def peek(self, address: str) -> LimitState:
        """Return the state of an address under the profile `default`, without counting."""
        now = int(self._clock.monotonic() * 1_000_000)
        return self._addresses.peek(self.default_rate, address, now)

    async def admit_login(self, name: str, address: str, rate: Rate) -> LimitState:
        """Count a login, exactly across processes, before its password is checked.

        Raises RateLimited beyond the limit of its address, or of the account, which looks the same
        whether the account exists or not.
        """
        accepted, state = await rate_limits.admit_login(
            self._db, name, address, rate, self._clock.now()
        )
        if not accepted:
            self._refuse_login(state)
        return state

    async def admit_address(self, address: str) -> LimitState | None:
        """Count a login that names no account yet, by the limit of `POST /api/auth/login`.

        Raises RateLimited beyond it; None if nothing is limited.
        """
        if not self.enabled:
            return None
        rate = self.rate_of("POST", "/api/auth/login")
        accepted, state = await rate_limits.admit_address(
            self._db, address, rate, self._clock.now()
        )
        if not accepted:
            self._refuse_login(state)
        return state

    def _refuse_login(self, state: LimitState) -> NoReturn:
        log_security("login refused", refused=True, account=None, reason="rate limit")
        self._metrics.logins.labels("limited").inc()
        raise RateLimited(state, "Too many logins")

    async def remember_login(self, user_id: UUID, address: str) -> None:
        """Remember that a user has signed in from an address: see KNOWN_ADDRESS.

        The login has succeeded already, so it does not fail when that is impossible.
        """
        until = self._clock.now() + KNOWN_ADDRESS
        try:
            await rate_limits.remember_login(self._db, user_id, address, until)
        except RequestError as error:
            _log.warning("the address of a login was not remembered", reason=str(error))

    def count(self, state: LimitState) -> None:
        """Count a request in the metrics, by the profile that admitted or refused it."""
        label = state.profile
        if label not in self._labels:
            if len(self._labels) >= MAX_LABELS:
                label = "other"
            self._labels.add(label)
        result = "accepted" if state.retry_after_seconds is None else "refused"
        self._metrics.rate_limited_requests.labels(label, result).inc()

    # Administration

    async def list_profiles(self, actor: UUID) -> list[LimitProfile]:
        """Return all profiles, by name; for administrators."""
        rows = await rate_limits.list_limit_profiles(self._db, actor)
        return [self._profile(row) for row in rows]

    async def create_profile(
        self,
        actor: UUID,
        request: requests.CreateLimitProfile,
        idempotency_key: IdempotencyKey | None,
    ) -> tuple[LimitProfile, bool]:
        """Create a profile; return it, and whether the key was used before. For administrators."""
        now = self._clock.now()
        profile_id = new_id(int(now.timestamp() * 1000))
        row, replayed = await rate_limits.create_limit_profile(
            self._db, actor, profile_id, request, idempotency_key, now
        )
        await self._publish_change(actor)
        return self._profile(row), replayed

    async def update_profile(
        self, actor: UUID, id: UUID, changes: requests.UpdateLimitProfile
    ) -> LimitProfile:
        """Change a profile; for administrators."""
        row = await rate_limits.update_limit_profile(
            self._db, actor, id, changes, self._clock.now()
        )
        await self._publish_change(actor)
        return self._profile(row)

    async def delete_profile(self, actor: UUID, id: UUID) -> None:
        """Delete a profile that is not assigned; for administrators."""
        await rate_limits.delete_limit_profile(self._db, actor, id)
        await self._publish_change(actor)

    async def list_assignments(self, actor: UUID) -> list[LimitAssignment]:
        """Return all assignments, by pattern; for administrators."""
        return await rate_limits.list_limit_assignments(self._db, actor)

    async def create_assignment(
        self, actor: UUID, request: requests.CreateLimitAssignment
    ) -> LimitAssignment:
        """Assign a profile to the routes of a pattern; for administrators."""
        now = self._clock.now()
        new = rate_limits.NewAssignment(
            new_id(int(now.timestamp() * 1000)),
            request.profile_id,
            request.method,
            request.path,
            pattern_key(request.path),
        )
        assignment = await rate_limits.create_limit_assignment(self._db, actor, new, now)
        await self._publish_change(actor)
        return assignment

    async def delete_assignment(self, actor: UUID, id: UUID) -> None:
        """Delete an assignment; for administrators."""
        await rate_limits.delete_limit_assignment(self._db, actor, id)
        await self._publish_change(actor)

    # Loading

    async def _publish_change(self, actor: UUID) -> None:
        """Apply a change here before its response is sent, and elsewhere within a second."""
        log_security("rate limits changed", account=None, by=str(actor))
        self._access.publish(AccessChange("limits_changed", actor))
        if self._loading:
            await asyncio.shield(self._loading)

    def _on_access_change(self, change: AccessChange | None) -> None:
        """Load again when limits may have changed; what fails is tried again every second."""
        if change is not None and change.kind != "limits_changed":
            return
        self._is_stale = True
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._load_until_current())

    async def _load_until_current(self) -> None:
        try:
            while self._is_stale:
                await self.load()
        except RequestError as error:
            _log.warning("the rate limits were not loaded", reason=str(error))

    def _apply(self, profiles: Iterable[ProfileRow]) -> None:
        """Put profiles into force, and the assignments that were loaded with them."""
        rows = list(profiles)
        rates = {row.name: self._rate(row) for row in rows}
        self._rates = {DEFAULT: Rate.of(DEFAULT, *self._of_settings(DEFAULT)), **rates}
        self._by_route = {}
        self._metrics.limit_profiles.set(len(rows))
        self._metrics.limit_assignments.set(len(self._assignments))

    def _rate(self, row: ProfileRow) -> Rate:
        params = self._params(row)
        return Rate.of(row.name, params.requests_per_second, params.burst)

    def _profile(self, row: ProfileRow) -> LimitProfile:
        return LimitProfile(
            row.id,
            row.name,
            row.algorithm,
            self._params(row),
            row.created_at,
            row.updated_at,
            row.description,
        )

    def _params(self, row: ProfileRow) -> LimitParams:
        """Return the rate of a profile, or that of this process's settings where it has none."""
        if row.requests_per_second is None or row.burst is None:
            return LimitParams(*self._of_settings(row.name))
        return LimitParams(row.requests_per_second, row.burst)

    def _of_settings(self, name: str) -> tuple[float, int]:
        if name == LOGIN:
            per_minute = self._settings.auth_login_per_ip_per_min
            return per_minute / 60, per_minute
        return self._settings.default_rps, self._settings.burst
