"""The labels of the authors of messages."""

from uuid import UUID

import pytest
from msgspec import structs
from tests.tui.sample_threads import START, answer, message

from rustygpt_shared.models.conversations import Participant
from rustygpt_tui.store.names import Names


def person(number: int, username: str, display_name: str | None = None) -> Participant:
    """Return a participant."""
    return Participant(UUID(int=number), username, "member", START, display_name)


def labels(*people: Participant) -> list[str]:
    """Return the labels of participants."""
    names = Names(people)
    return [names.labels[each.user_id] for each in people]


def test_a_name_that_is_clear_is_shown_as_it_is() -> None:
    """The display name, else the user name."""
    people = [person(1, "ann", "Ann"), person(2, "bob"), person(3, "eve", "Ève  Löwe")]
    assert labels(*people) == ["Ann", "bob", "Ève Löwe"]


@pytest.mark.parametrize(
    "twin",
    [
        "Ann",
        "ann",
        " A n n ",
        "\N{CYRILLIC CAPITAL LETTER A}nn",
        "\N{FULLWIDTH LATIN CAPITAL LETTER A}nn",
        "A\N{ZERO WIDTH SPACE}nn",
        "\N{LATIN CAPITAL LETTER A WITH ACUTE}nn",
    ],
)
def test_people_with_the_same_name_get_their_user_names_added(twin: str) -> None:
    """Also when the names only look the same."""
    first, second = labels(person(1, "ann1", "Ann"), person(2, "ann2", twin))
    assert (first, second.rpartition(" ")[2]) == ("Ann (@ann1)", "(@ann2)")


def test_the_user_name_of_another_person_is_no_clear_name() -> None:
    """Its owner keeps theirs."""
    assert labels(person(1, "ann", "Anna"), person(2, "bob", "Ann")) == ["Anna", "Ann (@bob)"]


@pytest.mark.parametrize(
    "name",
    [
        "assistant",
        "Assistant",
        "assistant · gpt-x",
        "a s s i s t a n t",
        "\N{CYRILLIC SMALL LETTER A}ssistant",
        "System",
        "gpt · x",
        "Ann (@ann)",
        "@ann",
    ],
)
def test_a_name_like_a_label_gets_the_user_name_added(name: str) -> None:
    """A person cannot look like the assistant, nor like the label of another person."""
    (label,) = labels(person(1, "bob", name))
    assert label == f"{name} (@bob)"


def test_the_label_of_an_answer_comes_from_its_role() -> None:
    """Whatever name a message carries: with the model, where it is known."""
    names = Names([person(1, "bob", "assistant")])
    assert names.author(answer(1)) == "assistant · demo"
    assert names.author(answer(1, model=None, author_name="Ann")) == "assistant"
    assert names.author(message(1, role="system", author_name="Ann")) == "system"
    spoken = message(1, author_user_id=UUID(int=1), author_name="assistant")
    assert names.author(spoken) == "assistant (@bob)"


def test_a_person_who_left_cannot_be_taken_for_another() -> None:
    """Their user name is not known any more."""
    names = Names([person(1, "ann", "Ann")])
    gone = message(1, author_user_id=UUID(int=9), author_name="Carl")
    assert names.author(gone) == "Carl"
    for name in ("Ann", "assistant"):
        assert names.author(structs.replace(gone, author_name=name)) == f"{name} (@?)"
    assert names.author(structs.replace(gone, author_name=None)) == "somebody"
