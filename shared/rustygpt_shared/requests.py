"""The bodies of requests, validated as they are decoded; unknown fields are rejected."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import force_setattr

from rustygpt_shared import text_rules
from rustygpt_shared.models.presence import Status
from rustygpt_shared.models.tokens import Scope
from rustygpt_shared.text_rules import TextRule

AssistantMode = Literal["always", "mention", "off"]
ConversationRole = Literal["owner", "admin", "member", "viewer"]
GlobalRole = Literal["admin", "member", "read_only"]
MessageRole = Literal["user", "assistant", "system"]


TOKEN_SECONDS_MAX = 10 * 365 * 86_400
"""How long a personal token with an end is valid at most: ten years."""


INVITE_SECONDS = 86_400
"""How long an invite may be accepted by default: a day."""
INVITE_SECONDS_MAX = 30 * 86_400
"""How long at most: 30 days."""
InviteSeconds = Annotated[int, Meta(ge=1, le=INVITE_SECONDS_MAX)]


class Request(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A request body; `VALIDATORS` maps each text field to its rule."""

    VALIDATORS: ClassVar[dict[str, TextRule]] = {}

    def __post_init__(self) -> None:
        for field, validator in self.VALIDATORS.items():
            value = getattr(self, field)
            if not isinstance(value, str):
                continue
            try:
                force_setattr(self, field, validator(value))
            except ValueError as error:
                raise ValueError(f"{field}: {error}") from None


class SetUp(Request, frozen=True):
    """Create the first administrator."""

    username: str
    email: str
    password: str
    display_name: str | None = None
    setup_token: str | None = None
    """Required unless the request comes from the server's own machine."""

    VALIDATORS = {
        "username": text_rules.username,
        "email": text_rules.email,
        "password": text_rules.password,
        "display_name": text_rules.display_name,
        "setup_token": text_rules.setup_token,
    }


class LogIn(Request, frozen=True):
    """Start a session; `email` may also be a user name."""

    email: str
    password: str

    VALIDATORS = {"email": text_rules.login_name, "password": text_rules.given_password}


class CreateUser(Request, frozen=True):
    """Create an account, as an administrator."""

    username: str
    email: str
    password: str
    display_name: str | None = None
    roles: list[GlobalRole] | None = None

    VALIDATORS = {
        "username": text_rules.username,
        "email": text_rules.email,
        "password": text_rules.password,
        "display_name": text_rules.display_name,
    }


class UpdateUser(Request, frozen=True):
    """Change an account, as an administrator."""

    disabled: bool | None = None
    roles: list[GlobalRole] | None = None
    password: str | None = None

    VALIDATORS = {"password": text_rules.password}


class UpdateMe(Request, frozen=True):
    """Change one's own account."""

    display_name: str | UnsetType | None = UNSET
    """`null` removes it."""
    email: str | UnsetType = UNSET
    """It need not be unique, but only one account can log in with an address."""
    current_password: str | None = None
    """Required with `email`."""

    VALIDATORS = {
        "display_name": text_rules.display_name,
        "email": text_rules.email,
        "current_password": text_rules.given_password,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.email is not UNSET and self.current_password is None:
            raise ValueError("current_password: a change of the e-mail address needs the password")


class ChangePassword(Request, frozen=True):
    """Change one's own password; all other sessions end."""

    current_password: str
    """Empty for the first password of an account that a provider signs in."""
    new_password: str

    VALIDATORS = {
        "current_password": text_rules.given_password,
        "new_password": text_rules.password,
    }


class CreateToken(Request, frozen=True):
    """Create a personal token for a program."""

    name: str
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=4)]
    expires_in_seconds: Annotated[int, Meta(ge=1, le=TOKEN_SECONDS_MAX)] | None = None
    """Absent: the token does not expire."""

    VALIDATORS = {"name": text_rules.token_name}


class Register(Request, frozen=True):
    """Create an account for oneself, and start a session."""

    username: str
    email: str
    password: str
    display_name: str | None = None
    invite_token: str | None = None
    """The new account is also a participant of the invite's conversation."""

    VALIDATORS = {
        "username": text_rules.username,
        "email": text_rules.email,
        "password": text_rules.password,
        "display_name": text_rules.display_name,
        "invite_token": text_rules.invite_token,
    }


class BeginDeviceLogin(Request, frozen=True):
    """Ask for a code to sign a device in with."""

    client_name: str | None = None
    """What the device calls itself; by default its user agent."""

    VALIDATORS = {"client_name": text_rules.client_name}


class DeviceToken(Request, frozen=True):
    """Ask whether somebody has confirmed the code of a device."""

    device_code: str

    VALIDATORS = {"device_code": text_rules.device_code}


class DecideDeviceLogin(Request, frozen=True):
    """Approve or deny the login of a device."""

    user_code: str
    approve: bool

    VALIDATORS = {"user_code": text_rules.user_code}


class ProviderDeviceToken(Request, frozen=True):
    """Ask whether somebody has entered the code of a provider's device flow."""

    device_code: str
    invite_token: str | None = None
    """The token of an invite, for a person who has no account here yet."""

    VALIDATORS = {
        "device_code": text_rules.device_code,
        "invite_token": text_rules.invite_token,
    }


class PostedOAuthAnswer(Struct, frozen=True, omit_defaults=True):
    """The form with which a provider's page returns the browser."""

    state: str | None = None
    code: str | None = None
    error: str | None = None
    user: str | None = None
    """JSON with the person's name, at the first consent only."""


def default_assistant_mode(*, is_group: bool) -> AssistantMode:
    """Return the mode of a new conversation for which none is requested."""
    return "mention" if is_group else "always"


class CreateConversation(Request, frozen=True):
    """Create a conversation that the caller owns."""

    title: str
    is_group: bool = False
    assistant_mode: AssistantMode | None = None
    """Default: `always`, or `mention` in a group."""
    model: str | None = None
    system_prompt: str | None = None

    VALIDATORS = {
        "title": text_rules.title,
        "model": text_rules.model,
        "system_prompt": text_rules.system_prompt,
    }


class UpdateConversation(Request, frozen=True):
    """Change a conversation; absent fields stay as they are, `null` removes a value."""

    title: str | UnsetType = UNSET
    assistant_mode: AssistantMode | UnsetType = UNSET
    model: str | UnsetType | None = UNSET
    system_prompt: str | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET

    VALIDATORS = {
        "title": text_rules.title,
        "model": text_rules.model,
        "system_prompt": text_rules.system_prompt,
    }


class AddParticipant(Request, frozen=True):
    """Add a user to a conversation, or change the user's role in it."""

    user_id: UUID
    role: ConversationRole = "member"


class CreateInvite(Request, frozen=True):
    """Invite somebody to a conversation."""

    email: str | None = None
    """Only the account with this address may accept it; absent: any one with the token."""
    role: ConversationRole = "member"
    ttl_seconds: InviteSeconds | None = None
    """How long it may be accepted; default: a day."""
    ttl_secs: InviteSeconds | None = None
    """The same as `ttl_seconds`."""

    VALIDATORS = {"email": text_rules.email}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ttl_seconds is not None and self.ttl_secs is not None:
            raise ValueError("ttl_secs: this is another name of ttl_seconds; give one of them")

    @property
    def seconds(self) -> int:
        """How long the invite may be accepted."""
        return self.ttl_seconds or self.ttl_secs or INVITE_SECONDS


RetentionDays = Annotated[int, Meta(ge=1, le=36_500)]
AuditDays = Annotated[int, Meta(ge=30, le=36_500)]


class SetRetention(Request, frozen=True):
    """Change for how many days things are kept; a field that is absent keeps its value."""

    conversation_id: UUID | None = None
    """Change the retention of this conversation instead of the server's."""
    messages_days: RetentionDays | UnsetType | None = UNSET
    """`null`: for ever, or in a conversation as the server."""
    deleted_messages_days: RetentionDays | UnsetType | None = UNSET
    """`null`: for ever, or in a conversation as the server."""
    events_days: RetentionDays | UnsetType | None = UNSET
    """`null`: as the settings say. Not in a conversation."""
    audit_days: AuditDays | UnsetType | None = UNSET
    """`null`: for ever. Not in a conversation."""
    dry_run: bool = False
    """Change nothing, and count what would be deleted."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("events_days", "audit_days"):
            if self.conversation_id and getattr(self, name) is not UNSET:
                raise ValueError(f"{name}: this is set for the server, not for a conversation")


class AcceptInvite(Request, frozen=True):
    """Join a conversation by an invite."""

    token: str

    VALIDATORS = {"token": text_rules.invite_token}


class PostMessage(Request, frozen=True):
    """Post a message: the root of a new thread, or a reply."""

    content: str
    role: MessageRole = "user"
    model: str | None = None

    VALIDATORS = {"content": text_rules.message, "model": text_rules.model}


class EditMessage(Request, frozen=True):
    """Replace the text of a message."""

    content: str
    reason: str | None = None
    """Why, kept with the earlier text."""

    VALIDATORS = {"content": text_rules.message, "reason": text_rules.reason}


class DeleteMessage(Request, frozen=True):
    """Delete a message; it can be restored."""

    reason: str | None = None
    """Why, kept with the text."""

    VALIDATORS = {"reason": text_rules.reason}


class Regenerate(Request, frozen=True):
    """Generate another answer to the same question."""

    model: str | None = None
    """Default: that of the answer."""

    VALIDATORS = {"model": text_rules.model}


class MarkRead(Request, frozen=True):
    """Move the caller's read marker in a thread; without a field, to the end of the thread."""

    seq: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    """A number above that of the last message is the end of the thread."""
    path: str | None = None
    message_id: UUID | None = None

    VALIDATORS = {"path": text_rules.path}

    def __post_init__(self) -> None:
        super().__post_init__()
        if sum(value is not None for value in (self.seq, self.path, self.message_id)) > 1:
            raise ValueError("only one of seq, path and message_id is allowed")


class MarkUnread(Request, frozen=True):
    """Set the caller's read marker in a thread just before a message."""

    message_id: UUID


class SetTyping(Request, frozen=True):
    """Show the caller as typing in a thread for this many seconds; 0 stops it."""

    conversation_id: UUID
    root_id: UUID
    seconds: Annotated[int, Meta(ge=0, le=30)]


class Heartbeat(Request, frozen=True):
    """Report that the caller is present."""

    status: Status = "online"


class LimitRate(Request, frozen=True):
    """The rate of a profile of rate limits."""

    requests_per_second: Annotated[float, Meta(ge=1e-5, le=1e6)]
    """How many requests are accepted in the long run; 0.00001 is about one a day."""
    burst: Annotated[int, Meta(ge=1, le=1_000_000)]
    """How many are accepted at once."""


class CreateLimitProfile(Request, frozen=True):
    """Create a profile of rate limits, as an administrator."""

    name: str
    params: LimitRate
    algorithm: Literal["gcra"] = "gcra"
    description: str | None = None

    VALIDATORS = {
        "name": text_rules.profile_name,
        "description": text_rules.profile_description,
    }


class UpdateLimitProfile(Request, frozen=True):
    """Change a profile of rate limits; absent fields stay as they are."""

    params: LimitRate | UnsetType | None = UNSET
    """`null` lets `default` and `auth.login` follow the settings again."""
    description: str | UnsetType | None = UNSET
    """`null` removes it."""

    VALIDATORS = {"description": text_rules.profile_description}


class CreateLimitAssignment(Request, frozen=True):
    """Assign a profile to the routes of a pattern, in place of the one that it has."""

    profile_id: UUID
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "*"]
    """`*` is every method."""
    path: str
    """Segments that are literal, `{name}` or `:name`; a last segment `*` is any end."""

    VALIDATORS = {"path": text_rules.route_pattern}
