"""What may happen in a room, for tests that let anything happen."""

from tests.support.room import Room, person

VERBS = ("post", "reply", "ask", "write", "finish", "edit", "rename", "add", "remove")


def act(room: Room, verb: str, which: int, text: str) -> None:  # noqa: C901 - a case each
    """Do one thing; `which` chooses to what, and what cannot be done is left."""
    messages = list(room.messages)
    target = messages[which % len(messages)] if messages else None
    answers = [m.id for m in room.messages.values() if m.streaming]
    answer = answers[which % len(answers)] if answers else None
    match verb:
        case "post":
            room.post(text=text)
        case "reply" if target:
            room.post(target, text=text)
        case "ask" if target:
            room.post(target, role="assistant")
        case "write" if answer:
            room.write(answer, text)
        case "finish" if answer:
            room.finish(answer)
        case "edit" if target and not room.messages[target].streaming:
            room.change(target, content=text)
        case "rename":
            room.rename(text)
        case "add":
            room.add(person(which % 3), "member" if which % 2 else "viewer")
        case "remove":
            room.remove(person(which % 3))
