"""Random actions in a fake conversation."""

from tests.support.fakes.fake_conversation import FakeConversation, person_id

ACTIONS = ("post", "reply", "ask", "write", "finish", "edit", "rename", "add", "remove")


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
        case "edit" if target and not conversation.messages[target].streaming:
            conversation.change(target, content=text)
        case "rename":
            conversation.rename(text)
        case "add":
            conversation.add(person_id(which % 3), "member" if which % 2 else "viewer")
        case "remove":
            conversation.remove(person_id(which % 3))
