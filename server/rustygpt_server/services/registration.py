"""Registration: accounts that people create for themselves, alone or with an invite."""

from rustygpt_server.clock import Clock
from rustygpt_server.db import accounts, invites
from rustygpt_server.db.database import Database
from rustygpt_server.errors import Forbidden
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.accounts import Accounts
from rustygpt_server.services.callers import ClientInfo, SessionCaller
from rustygpt_server.services.secret_tokens import hash_token
from rustygpt_server.services.sessions import Sessions
from rustygpt_server.telemetry import log_security
from rustygpt_shared import requests
from rustygpt_shared.settings import RegistrationMode


class Registration:
    """The registration of one server."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        access: AccessMonitor,
        accounts: Accounts,
        sessions: Sessions,
        mode: RegistrationMode,
        clock: Clock,
    ) -> None:
        self._db = db
        self._hub = hub
        self._access = access
        self._accounts = accounts
        self._sessions = sessions
        self.mode = mode
        """Who may register: nobody, who has an invite, or everybody."""
        self._clock = clock

    async def register(self, request: requests.Register, client: ClientInfo) -> SessionCaller:
        """Create an account and start a session; with an invite, join its conversation.

        Raises Forbidden if the mode does not allow it, and the errors of an invite that cannot be
        used, before the password is hashed.
        """
        self._check_mode(request)
        token_hash = None if request.invite_token is None else hash_token(request.invite_token)
        if token_hash:
            await invites.check_invite(self._db, token_hash, request.email, self._clock.now())
        new_account = await self._accounts.new_account(request, self._clock.now())
        events = await accounts.register_user(self._db, new_account, token_hash, self._clock.now())
        log_security("account registered", account=request.username)
        if events:
            self._hub.publish(events[0].conversation_id, events)
            self._access.publish_memberships(events)
        return await self._sessions.start_session(new_account.id, new_account.password_hash, client)

    def _check_mode(self, request: requests.Register) -> None:
        if self.mode == "closed":
            raise Forbidden("Registration is closed here; ask an administrator for an account.")
        if self.mode == "invite" and request.invite_token is None:
            raise Forbidden("Registration needs an invite here; ask somebody for one.")
