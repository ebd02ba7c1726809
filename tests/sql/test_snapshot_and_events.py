"""A snapshot with the later events applied equals a snapshot that is read afterwards."""

import random
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from tests.support.database.database_builder import INSTANCE_ID, DatabaseBuilder
from tests.support.streams.decoded_events import decoded_event

from rustygpt_server.db import answers, conversations, messages, participants, retention, threads
from rustygpt_server.db import events as db_events
from rustygpt_server.db.answers import AnswerResult
from rustygpt_server.errors import RequestError
from rustygpt_shared import events
from rustygpt_shared.models.conversations import ConversationInfo, ThreadInfo
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.requests import EditMessage, UpdateConversation


class State:
    """The state of a conversation in a client."""

    def __init__(self) -> None:
        self.position = 0
        self.info: ConversationInfo | None = None
        self.excerpt: str | None = None
        self.threads: dict[UUID, ThreadInfo] = {}
        self.messages: dict[UUID, MessageView] = {}
        self.members: dict[UUID, str] = {}

    def apply(self, event: events.Event) -> None:
        """Apply an event."""
        match event:
            case events.ThreadNew(payload):
                self.threads[payload.root_id] = payload.summary
            case events.ThreadActivity(payload):
                changes = msgspec.structs.asdict(payload)
                changes.pop("conversation_id")
                old = self.threads[payload.root_id]
                self.threads[payload.root_id] = msgspec.structs.replace(old, **changes)
            case events.MessageNew(payload) | events.MessageUpdated(payload):
                self.messages[payload.message.id] = payload.message
                if not getattr(payload, "change", None):
                    self.excerpt = payload.message.content or self.excerpt
            case events.MembershipChanged(payload):
                self.members.pop(payload.user_id, None)
                if payload.role:
                    self.members[payload.user_id] = payload.role
            case events.ConversationUpdated(payload):
                self.info = payload.conversation
                self.excerpt = payload.last_message_excerpt


async def fresh(builder: DatabaseBuilder, actor: UUID, conversation_id: UUID) -> State:
    """A snapshot of the complete state."""
    state = State()
    shown = await conversations.show_conversation(builder.db, actor, conversation_id)
    state.info = msgspec.convert(shown, ConversationInfo, from_attributes=True)
    state.excerpt = shown.last_message_excerpt
    state.position = (await builder.log_bounds(actor, conversation_id)).position
    listed = await threads.list_threads(builder.db, actor, conversation_id, None, 200)
    for thread in listed.items:
        state.threads[thread.root_id] = msgspec.convert(thread, ThreadInfo, from_attributes=True)
        tree = await threads.list_tree(
            builder.db, actor, thread.root_id, threads.TreeStart(), 1_000
        )
        state.messages |= {m.id: m for m in tree.items}
    people = await participants.list_participants(builder.db, actor, conversation_id)
    state.members = {p.user_id: p.role for p in people.items}
    return state


async def change_message(
    builder: DatabaseBuilder, rng: random.Random, who: UUID, message: MessageView
) -> None:
    """Edit, delete, restore or regenerate a message, which may be refused."""
    db, now = builder.db, builder.now
    match rng.randrange(4):
        case 0:
            request = EditMessage(rng.choice(["better", "@assistant again", "hello"]))
            await messages.edit_message(db, who, message.id, request, now)
        case 1:
            await messages.delete_message(db, who, message.id, None, now)
        case 2:
            await messages.restore_message(db, who, message.id, now)
        case _:
            claim = builder.new_claim()
            await answers.regenerate_answer(db, who, message.id, None, [], None, claim, now)


async def random_action(
    builder: DatabaseBuilder, rng: random.Random, people: list[UUID], conversation_id: UUID
) -> None:
    """Perform a random action, which may be refused."""
    builder.advance_time(rng.random())
    state = await fresh(builder, people[0], conversation_id)
    who, other = rng.choice(people), rng.choice(people[1:])
    running = [m.id for m in state.messages.values() if m.streaming]
    if rng.random() < 0.4 and state.messages:
        await change_message(builder, rng, who, rng.choice(list(state.messages.values())))
        return
    match rng.randrange(8):
        case 0:
            await builder.post(who, conversation_id, "root @assistant")
        case 1 | 2 if state.messages:
            await builder.reply(who, rng.choice(list(state.messages)), "reply")
        case 3 if running:
            end = AnswerResult(
                "an answer", rng.choice(["stop", "error"]), error_code="RGP.INTERNAL"
            )
            await answers.finish_answer(builder.db, running[0], INSTANCE_ID, end, builder.now)
        case 4:
            role = rng.choice(["admin", "member", "viewer"])
            await participants.add_participant(
                builder.db, who, conversation_id, other, role, builder.now
            )
        case 5:
            await participants.remove_participant(
                builder.db, who, conversation_id, other, builder.now
            )
        case 6:
            next_day = builder.now + timedelta(days=1)
            await retention.expire_messages(builder.db, conversation_id, 2, next_day)
        case _:
            change = UpdateConversation(
                title=rng.choice("ab"),
                assistant_mode=rng.choice(["always", "mention", "off"]),
                archived=rng.random() < 0.2,
            )
            await conversations.update_conversation(
                builder.db, who, conversation_id, change, builder.now
            )


@pytest.mark.parametrize("seed", range(4))
async def test_a_snapshot_with_later_events_equals_a_new_snapshot(
    builder: DatabaseBuilder, seed: int
) -> None:
    """Events after a snapshot of any moment lead to the snapshot at the end."""
    rng = random.Random(seed)
    people = [await builder.person(f"p{n}") for n in range(4)]
    conversation_id = await builder.conversation(people[0], people[1])
    await retention.set_retention(builder.db, builder.admin, None, {"messages_days": 1})
    snapshots = []
    for step in range(60):
        if step % 12 == 0:
            snapshots.append(await fresh(builder, people[0], conversation_id))
        try:
            await random_action(builder, rng, people, conversation_id)
        except RequestError:
            continue
    end = await fresh(builder, people[0], conversation_id)
    for state in snapshots:
        for logged in await db_events.read_events(
            builder.db, conversation_id, state.position, 1_000
        ):
            assert logged.number == state.position + 1
            state.apply(decoded_event(logged))
            state.position = logged.number
        assert vars(state) == vars(end)
