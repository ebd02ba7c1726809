"""Our own format, `rustygpt-export`, in JSON Lines or as one JSON document."""

from rustygpt_server.importing.batches import (
    MAX_SEQ,
    BatchWriter,
    NewConversation,
    NewMessage,
    NewRevision,
    decode,
    imported_name,
    storable,
)
from rustygpt_server.importing.errors import BadFile
from rustygpt_shared import text_rules
from rustygpt_shared.models.exports import (
    EXPORT_FORMAT,
    EXPORT_VERSION,
    ExportedMessage,
    ExportedRevision,
    ExportFooter,
    ExportHeader,
)
from rustygpt_shared.models.messages import MessageError

_MODES = ("always", "mention", "off")
_ROLES = ("user", "assistant", "system")
_NO_TEXT = "(The text of this deleted message was not in the imported file.)"
_REASONS = ("stop", "length", "cancelled", "timeout", "error")


class OwnFormatReader:
    """Reads header, messages and footer, in this order."""

    def __init__(self, writer: BatchWriter, username: str, models: list[str]) -> None:
        """`username` is the importing user's, `models` are those that conversations may name."""
        self._writer = writer
        self._username = username.casefold()
        self._models = models
        self._threads = 0

    def header(self, data: bytes) -> None:
        """Begin the conversation."""
        header: ExportHeader = decode(data, ExportHeader)
        if header.format != EXPORT_FORMAT or header.version != EXPORT_VERSION:
            raise BadFile(
                f"It has version {header.version} of the format; this server reads version "
                f"{EXPORT_VERSION}"
            )
        shown = header.conversation
        model = shown.model if shown.model in self._models else None
        if shown.model and model is None:
            self._writer.left_out["models that this server does not have"] += 1
        self._writer.begin_conversation(
            NewConversation(
                _title(shown.title),
                shown.is_group,
                shown.assistant_mode if shown.assistant_mode in _MODES else "mention",
                self._writer.time(shown.created_at),
                model,
                _optional(shown.system_prompt, "The system prompt", text_rules.SYSTEM_PROMPT_MAX),
                self._writer.time(shown.archived_at) if shown.archived_at else None,
            )
        )

    def message(self, data: bytes) -> None:
        """Add a message."""
        exported: ExportedMessage = decode(data, ExportedMessage)
        if exported.role not in _ROLES:
            raise BadFile("Its role is none of user, assistant and system")
        if not 1 <= exported.seq <= MAX_SEQ:
            raise BadFile(f"Its seq is not between 1 and {MAX_SEQ:,}")
        message = self._message(exported)
        self._threads += exported.parent_id is None
        self._writer.add(exported.id, exported.parent_id, message)
        for revision in _revisions(exported):
            self._writer.add_revision(message, self._revision(revision))

    def footer(self, data: bytes) -> None:
        """End the conversation; raise BadFile if not all messages have arrived."""
        footer: ExportFooter = decode(data, ExportFooter)
        found = ExportFooter(self._writer.message_count, self._threads)
        if found != footer:
            raise BadFile(
                f"The file says that it has {footer.messages:,} messages in {footer.threads:,} "
                f"threads, but has {found.messages:,} in {found.threads:,}"
            )
        self._writer.end_conversation()

    def _message(self, exported: ExportedMessage) -> NewMessage:
        writer = self._writer
        is_person = exported.role != "assistant"
        is_mine = is_person and (exported.author or "").casefold() == self._username
        name = exported.author_name or exported.author if is_person and not is_mine else None
        is_deleted = exported.deleted_at is not None
        return NewMessage(
            role=exported.role,
            content="" if is_deleted else storable(exported.content, "Its text"),
            seq=exported.seq,
            created_at=writer.time(exported.created_at),
            is_mine=is_mine,
            author_name=imported_name(name) if name else None,
            edited_at=writer.time(exported.edited_at) if exported.edited_at else None,
            deleted_at=writer.time(exported.deleted_at) if exported.deleted_at else None,
            model=_optional(exported.model, "Its model", text_rules.MODEL_MAX),
            reasoning=_optional(exported.reasoning, "Its reasoning", text_rules.MESSAGE_MAX),
            finish_reason=_finish_reason(exported),
            usage=exported.usage,
            error=_checked_error(exported),
        )

    def _revision(self, revision: ExportedRevision) -> NewRevision:
        if revision.change not in ("edited", "deleted") or not 1 <= revision.number <= MAX_SEQ:
            raise BadFile("It has a revision with another change, or another number, than exports")
        return NewRevision(
            revision.number,
            storable(revision.content, "An earlier text"),
            self._writer.time(revision.written_at),
            revision.change,
            self._writer.time(revision.replaced_at),
            _optional(revision.reasoning, "An earlier reasoning", text_rules.MESSAGE_MAX),
            _optional(revision.reason, "The reason of a change", text_rules.REASON_MAX),
        )


def _revisions(exported: ExportedMessage) -> list[ExportedRevision]:
    """Return the revisions of a message; a deleted one has at least that of its deletion."""
    revisions = exported.revisions
    if len({revision.number for revision in revisions}) < len(revisions):
        raise BadFile("Two of its revisions have one number")
    deletions = [revision for revision in revisions if revision.change == "deleted"]
    if len(deletions) != (exported.deleted_at is not None):
        if deletions or exported.deleted_at is None:
            raise BadFile("Its revisions do not fit its deletion")
        number = 1 + max((revision.number for revision in revisions), default=0)
        at = exported.deleted_at
        last = ExportedRevision(number, _NO_TEXT, exported.created_at, "deleted", at)
        return [*revisions, last]
    return revisions


def _finish_reason(exported: ExportedMessage) -> str | None:
    if exported.streaming:
        return "cancelled"
    reason = exported.finish_reason
    return reason if reason in _REASONS else None


def _checked_error(exported: ExportedMessage) -> MessageError | None:
    error = exported.error
    if error is not None:
        storable(error.code, "The code of its error", 100)
        storable(error.message, "Its error", 2_000)
    return error


def _title(title: str) -> str:
    try:
        return text_rules.title(title)
    except ValueError as error:
        raise BadFile(f"The title is not valid: {error}") from None


def _optional(text: str | None, subject: str, limit: int) -> str | None:
    return storable(text, subject, limit) if text else None
