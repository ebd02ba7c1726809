"""The bodies of `/v1`: OpenAI's chat completions and models, as clients send and get them.

Unlike other requests, these may have unknown fields; `unknown_fields` names them.
"""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from rustygpt_shared.models import Model
from rustygpt_shared.requests import Request

MESSAGES_MAX: Final = 2_000
PARTS_MAX: Final = 1_000
STOPS_MAX: Final = 4
STOP_LENGTH_MAX: Final = 500
_NAMED_MAX: Final = 20
_NAME_MAX: Final = 64
_INT64: Final = 2**63 - 1

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
FinishReason = Literal["stop", "length"]
Tokens = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Stop = Annotated[str, Meta(min_length=1, max_length=STOP_LENGTH_MAX)]


class ContentPart(Request, frozen=True, forbid_unknown_fields=False):
    """A part of a message; only those of the type `text` are accepted."""

    type: str
    text: str | None = None


class CompletionMessage(Request, frozen=True, forbid_unknown_fields=False):
    """A message of the request."""

    role: Role
    """`developer` is the same as `system`; `tool` and `function` are refused."""
    content: str | Annotated[list[ContentPart], Meta(max_length=PARTS_MAX)] | None = None


class StreamOptions(Request, frozen=True, forbid_unknown_fields=False):
    """Options of a stream."""

    include_usage: bool | None = None
    """Send the usage in a last chunk without choices."""


class ThreadPlace(Request, frozen=True, forbid_unknown_fields=False):
    """Where the question and its answer are stored."""

    conversation_id: UUID
    parent_message_id: UUID | None = None
    """The message that the question replies to; without it, it begins a thread."""


class CompletionMetadata(Request, frozen=True, forbid_unknown_fields=False):
    """What else the request is about."""

    rustygpt: ThreadPlace | None = None
    """Store the last message and its answer here, and answer as in a conversation."""


class ChatCompletionRequest(Request, frozen=True, forbid_unknown_fields=False):
    """Generate an answer to a list of messages. Fields that are not listed are ignored."""

    model: str
    messages: Annotated[list[CompletionMessage], Meta(min_length=1, max_length=MESSAGES_MAX)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    stop: Stop | Annotated[list[Stop], Meta(max_length=STOPS_MAX)] | None = None
    """The answer ends before the first of these texts."""
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    seed: Annotated[int, Meta(ge=-_INT64, le=_INT64)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, float] | None = None
    response_format: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    n: int | None = None
    """Only 1."""
    tools: list[Any] | None = None
    """Only an empty list."""
    functions: list[Any] | None = None
    """Only an empty list."""
    modalities: list[str] | None = None
    """Only `text`."""
    audio: Any = None
    """Only null."""
    logprobs: bool | None = None
    """Only false."""
    top_logprobs: int | None = None
    """Only 0."""
    metadata: CompletionMetadata | None = None


PASSED_ON: Final = (
    *("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "presence_penalty"),
    *("frequency_penalty", "logit_bias", "response_format", "reasoning_effort", "stop"),
)
"""The fields that the model's server gets as they are."""


class OpenAIModel(Model, frozen=True):
    """A model, as OpenAI describes it."""

    id: str
    object: Literal["model"]
    created: int
    """Always 0: the time is not known."""
    owned_by: str
    """The name of its provider."""


class OpenAIModelList(Model, frozen=True):
    """All models, the default first."""

    object: Literal["list"]
    data: list[OpenAIModel]


class CompletionUsage(Model, frozen=True):
    """The tokens that a completion used."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionAnswer(Model, frozen=True):
    """The message of a completion."""

    role: Literal["assistant"]
    content: str
    refusal: None
    reasoning: str | None = None
    """What the model has thought, if its server tells it."""


class CompletionChoice(Model, frozen=True):
    """The only choice of a completion."""

    index: int
    message: CompletionAnswer
    logprobs: None
    finish_reason: FinishReason


class StoredPlace(Model, frozen=True):
    """Where a completion is stored."""

    conversation_id: UUID
    root_id: UUID
    message_id: UUID
    """The question."""
    answer_id: UUID
    """The answer: the `parent_message_id` of the next question."""


class StoredMetadata(Model, frozen=True):
    """What else a completion is about."""

    rustygpt: StoredPlace


class ChatCompletion(Model, frozen=True):
    """A completion."""

    id: str
    object: Literal["chat.completion"]
    created: int
    """When it began, in seconds since 1970."""
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage
    metadata: StoredMetadata | None = None
    warnings: list[str] | None = None
    """What of the request had no effect."""


class ChunkDelta(Model, frozen=True):
    """What a chunk adds to the message."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning: str | None = None


class ChunkChoice(Model, frozen=True):
    """The only choice of a chunk."""

    index: int
    delta: ChunkDelta
    logprobs: None
    finish_reason: FinishReason | None


class ChatCompletionChunk(Model, frozen=True):
    """A part of a completion that is streamed."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    """Empty in the chunk with the usage."""
    usage: CompletionUsage | UnsetType | None = UNSET
    """Null in all chunks but the last one, if it was requested."""
    metadata: StoredMetadata | None = None
    """In the first chunk."""
    warnings: list[str] | None = None
    """In the first chunk: what of the request had no effect."""


class OpenAIErrorBody(Struct, frozen=True):
    """An error of `/v1`."""

    message: str
    type: str
    param: str | None
    """The field that is wrong, if one is."""
    code: str | None


class OpenAIError(Struct, frozen=True):
    """The body of every error response of `/v1`."""

    error: OpenAIErrorBody


class _Names(Struct, frozen=True):
    """The same body, of which only the names of fields matter."""

    messages: list[dict[str, msgspec.Raw]] = []
    metadata: dict[str, msgspec.Raw] | None = None


def unknown_fields(body: bytes) -> list[str]:
    """Return the names of the fields in a valid request that have no effect, at most 20."""
    top = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    inner = msgspec.json.decode(body, type=_Names)
    names = [name for name in top if name not in ChatCompletionRequest.__struct_fields__]
    known = CompletionMessage.__struct_fields__
    names += [f"messages.{name}" for message in inner.messages for name in message.keys() - known]
    names += [f"metadata.{name}" for name in inner.metadata or {} if name != "rustygpt"]
    shown = ("".join(c for c in name if c.isprintable())[:_NAME_MAX] for name in names)
    return list(dict.fromkeys(shown))[:_NAMED_MAX]
