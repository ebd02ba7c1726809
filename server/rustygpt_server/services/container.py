"""The services of one server, as routes get them."""

from msgspec import Struct

from rustygpt_server.rendering.renderer import Renderer
from rustygpt_server.services.accounts import Accounts
from rustygpt_server.services.audit import AuditLog
from rustygpt_server.services.completions import Completions
from rustygpt_server.services.conversations import Conversations
from rustygpt_server.services.device_logins import DeviceLogins
from rustygpt_server.services.exports import Exports
from rustygpt_server.services.health import Health
from rustygpt_server.services.identities import Identities
from rustygpt_server.services.imports import Imports
from rustygpt_server.services.invites import Invites
from rustygpt_server.services.messages import Messages
from rustygpt_server.services.models import Models
from rustygpt_server.services.oauth.flows import OAuthFlows
from rustygpt_server.services.presence import PresenceService
from rustygpt_server.services.rate_limits import RateLimits
from rustygpt_server.services.registration import Registration
from rustygpt_server.services.retention import RetentionService
from rustygpt_server.services.search import Search
from rustygpt_server.services.sessions import Sessions
from rustygpt_server.services.stored_completions import StoredCompletions
from rustygpt_server.services.streams import StreamService
from rustygpt_server.services.threads import Threads
from rustygpt_server.services.tokens import Tokens
from rustygpt_server.services.typing_status import TypingService
from rustygpt_server.services.usage import UsageService
from rustygpt_server.services.well_known import WellKnownFiles


class Services(Struct, frozen=True):
    """The services that routes may call."""

    accounts: Accounts
    sessions: Sessions
    tokens: Tokens
    invites: Invites
    registration: Registration
    identities: Identities
    oauth: OAuthFlows
    device_logins: DeviceLogins
    conversations: Conversations
    exports: Exports
    imports: Imports
    threads: Threads
    messages: Messages
    models: Models
    usage: UsageService
    completions: Completions
    stored_completions: StoredCompletions
    rate_limits: RateLimits
    audit: AuditLog
    retention: RetentionService
    search: Search
    presence: PresenceService
    typing: TypingService
    streams: StreamService
    health: Health
    well_known: WellKnownFiles
    renderer: Renderer
