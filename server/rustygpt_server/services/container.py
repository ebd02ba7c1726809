"""The services of one server, as routes get them."""

from msgspec import Struct

from rustygpt_server.services.accounts import Accounts
from rustygpt_server.services.conversations import Conversations
from rustygpt_server.services.health import Health
from rustygpt_server.services.markdown import Markdown
from rustygpt_server.services.messages import Messages
from rustygpt_server.services.presence import PresenceService
from rustygpt_server.services.sessions import Sessions
from rustygpt_server.services.streams import StreamService
from rustygpt_server.services.threads import Threads
from rustygpt_server.services.typing_status import TypingService


class Services(Struct, frozen=True):
    """The services that routes may call."""

    accounts: Accounts
    sessions: Sessions
    conversations: Conversations
    threads: Threads
    messages: Messages
    presence: PresenceService
    typing: TypingService
    streams: StreamService
    health: Health
    markdown: Markdown
