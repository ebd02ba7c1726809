"""The queries of a state."""

from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation, person_id

from rustygpt_shared.models.users import User
from rustygpt_tui.store.load import load
from rustygpt_tui.store.state import display_name


async def test_users_have_names() -> None:
    """The display name, else the user name, else a word for users who left."""
    state = await load(FakeConversation(), CONVERSATION_ID, ME)
    assert [state.name_of(ME), state.name_of(person_id(1)), state.name_of(None)] == [
        "me",
        "somebody",
        "somebody",
    ]
    assert display_name(User(ME, "a@b", "ada", [], "Ada L.")) == "Ada L."
    assert display_name(User(ME, "a@b", "ada", [])) == "ada"
