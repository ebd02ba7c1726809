"""The sentence about who else is typing."""

from dataclasses import replace
from uuid import UUID

import pytest
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation, person_id

from rustygpt_tui.store.load import load
from rustygpt_tui.widgets.typing_line import typing_text

ROOT = UUID(int=5)


@pytest.mark.parametrize(
    ("typing", "text"),
    [
        ([], ""),
        ([1], "p101 is writing …"),
        ([2, 1], "p101 and p102 are writing …"),
        ([1, 2, 3], "3 people are writing …"),
        ([9], "somebody is writing …"),
    ],
)
async def test_up_to_two_people_are_named(typing: list[int], text: str) -> None:
    """More than two people are counted; an unknown person is called "somebody"."""
    conversation = FakeConversation()
    for n in (1, 2, 3):
        conversation.add(person_id(n), "member")
    state = await load(conversation, CONVERSATION_ID, ME)
    state = replace(state, typing={person_id(n): ROOT for n in typing})

    assert typing_text(state, ROOT, 80) == text
    assert typing_text(state, UUID(int=6), 80) == ""
    assert len(typing_text(state, ROOT, 24)) <= 24
