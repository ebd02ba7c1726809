"""What a state answers."""

from tests.support.room import ME, ROOM, Room, person

from rustygpt_shared.models.users import User
from rustygpt_tui.store.load import load
from rustygpt_tui.store.state import called


async def test_people_are_called_by_their_names() -> None:
    """Display name, else user name, else a word for who is not there any more."""
    state = await load(Room(), ROOM, ME)
    assert [state.name_of(ME), state.name_of(person(1)), state.name_of(None)] == [
        "me",
        "somebody",
        "somebody",
    ]
    assert called(User(ME, "a@b", "ada", [], "Ada L.")) == "Ada L."
    assert called(User(ME, "a@b", "ada", [])) == "ada"
