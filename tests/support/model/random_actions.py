"""Random actions in a fake conversation."""

from tests.support.fakes.fake_conversation import FakeConversation, person_id

from rustygpt_shared.models.messages import MessageView

ACTIONS = (
    "post",
    "reply",
    "ask",
    "write",
    "finish",
    "edit",
    "delete",
    "restore",
    "rename",
    "archive",
    "add",
    "remove",
)


def perform(conversation: FakeConversation, action: str, which: int, text: str) -> None:  # noqa: C901 - one case for each action
    """Perform an action on the message that `which` selects, or do nothing without one."""
    messages = list(conversation.messages)
    target = messages[which % len(messages)] if messages else None
    answers = [m.id for m in conversation.messages.values() if m.streaming]
    answer = answers[which % len(answers)] if answers else None
    match action:
        case "post":
            conversation.post(text=text)
        case "reply" if target:
            conversation.post(target, text=text)
        case "ask" if target:
            conversation.post(target, role="assistant")
        case "write" if answer:
            conversation.stream_text(answer, text)
        case "finish" if answer:
            conversation.finish(answer)
        case "edit" if target and _is_editable(conversation.messages[target]):
            conversation.edit(target, text)
        case "delete" if target and not conversation.messages[target].deleted_at:
            conversation.delete(target, by=person_id(which % 3))
        case "restore" if target and conversation.messages[target].deleted_at:
            conversation.restore(target)
        case "archive":
            conversation.update_settings({"archived_at": conversation.now() if text else None})
        case "rename":
            conversation.rename(text)
        case "add":
            conversation.add(person_id(which % 3), "member" if which % 2 else "viewer")
        case "remove":
            conversation.remove(person_id(which % 3))


def _is_editable(message: MessageView) -> bool:
    return not message.streaming and message.deleted_at is None
