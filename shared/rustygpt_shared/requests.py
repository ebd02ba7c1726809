"""The bodies of requests, validated as they are decoded; unknown fields are rejected."""

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import force_setattr

from rustygpt_shared import text_rules
from rustygpt_shared.models.presence import Status

AssistantMode = Literal["always", "mention", "off"]
ConversationRole = Literal["owner", "admin", "member", "viewer"]
GlobalRole = Literal["admin", "member", "read_only"]
MessageRole = Literal["user", "assistant", "system"]


class Request(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A request body; `VALIDATORS` maps text fields to the rules that normalise them."""

    VALIDATORS: ClassVar[dict[str, Callable[[str], str]]] = {}

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
        "setup_token": text_rules.plain,
    }


class LogIn(Request, frozen=True):
    """Start a session; `email` may also be a user name."""

    email: str
    password: str

    VALIDATORS = {"email": text_rules.plain, "password": text_rules.plain}


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

    VALIDATORS = {"display_name": text_rules.display_name, "email": text_rules.email}


class ChangePassword(Request, frozen=True):
    """Change one's own password; all other sessions end."""

    current_password: str
    new_password: str

    VALIDATORS = {"current_password": text_rules.plain, "new_password": text_rules.password}


def _bounded_text(limit: int) -> Callable[[str], str]:
    """Return a rule for trimmed text of 1 to `limit` characters."""

    def validate(value: str) -> str:
        text = text_rules.plain(value).strip()
        if not 1 <= len(text) <= limit:
            raise ValueError(f"1 to {limit:,} characters are allowed")
        return text

    return validate


_MODEL = _bounded_text(200)
_SYSTEM_PROMPT = _bounded_text(16_384)


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

    VALIDATORS = {"title": text_rules.title, "model": _MODEL, "system_prompt": _SYSTEM_PROMPT}


class UpdateConversation(Request, frozen=True):
    """Change a conversation; absent fields stay as they are, `null` removes a value."""

    title: str | UnsetType = UNSET
    assistant_mode: AssistantMode | UnsetType = UNSET
    model: str | UnsetType | None = UNSET
    system_prompt: str | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET

    VALIDATORS = {"title": text_rules.title, "model": _MODEL, "system_prompt": _SYSTEM_PROMPT}


class AddParticipant(Request, frozen=True):
    """Add a user to a conversation, or change the user's role in it."""

    user_id: UUID
    role: ConversationRole = "member"


class PostMessage(Request, frozen=True):
    """Post a message: the root of a new thread, or a reply."""

    content: str
    role: MessageRole = "user"
    model: str | None = None

    VALIDATORS = {"content": text_rules.message, "model": _MODEL}


class MarkRead(Request, frozen=True):
    """Move the caller's read marker in a thread; without a field, to the end of the thread."""

    path: Annotated[str, Meta(max_length=1_024)] | None = None
    message_id: UUID | None = None

    VALIDATORS = {"path": text_rules.plain}


class SetTyping(Request, frozen=True):
    """Show the caller as typing in a thread for this many seconds; 0 stops it."""

    conversation_id: UUID
    root_id: UUID
    seconds: Annotated[int, Meta(ge=0, le=30)]


class Heartbeat(Request, frozen=True):
    """Report that the caller is present."""

    status: Status = "online"
