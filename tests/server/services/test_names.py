"""Which names look alike, and which look like a reserved word."""

import pytest

from rustygpt_server.errors import ValidationFailed
from rustygpt_server.services import names


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("alice", "ALICE"),
        ("alice", "aIice"),
        ("alice", "a1ice"),
        ("alice", "\u0430lice"),
        ("alice", "ａｌｉｃｅ"),
        ("alice", "𝐚𝐥𝐢𝐜𝐞"),
        ("alice", "ali\u0107e"),
        ("alice", "al\u200bice"),
        ("bob", "b0b"),
        ("mark", "rnark"),
        ("walter", "vvalter"),
        ("martin", "\u043c\u0430rtin"),
        ("tina", "\u1d1b\u026a\u0274\u1d00"),
        ("alice", "ali\u3164ce"),
        ("alice", "\U0001f170lice"),
        ("lukas", "\u0142ukas"),
    ],
)
def test_names_that_look_alike_share_a_skeleton(name: str, other: str) -> None:
    """By case, compatibility forms, confusable letters, marks and invisible characters."""
    assert set(names.skeletons(name)) & set(names.skeletons(other))


@pytest.mark.parametrize(
    ("name", "other"), [("ali", "all"), ("ann", "anna"), ("kim", "klm"), ("jo-ann", "joann")]
)
def test_names_that_differ_visibly_share_none(name: str, other: str) -> None:
    """Small letters that differ are different names."""
    assert not set(names.skeletons(name)) & set(names.skeletons(other))


@pytest.mark.parametrize(
    "name",
    [
        "assistant",
        "Assistant",
        "ASS1STANT",
        "\u0430ssistant",
        "a\u00dfistant".replace("\u00df", "ss"),
        "system",
        "\u24e2ystem",
        "everyone",
        "hEre",
        "aIl",
        "all_",
        "a551stant",
        "h3re",
    ],
)
def test_reserved_words_are_refused_as_user_names(name: str) -> None:
    """In any form that looks like them."""
    with pytest.raises(ValidationFailed, match="reserved word") as refused:
        names.username_skeletons(name)
    assert refused.value.errors is not None
    assert refused.value.errors[0].field == "username"


@pytest.mark.parametrize(
    "name",
    [
        "Assistant",
        "assistant · demo",
        "Bob (assistant)",
        "\u2014 system \u2014",
        "@all",
        "assistant\u3164",
        "\u2800assi\u115fstant",
        "\u1d00\ua731\ua731\u026a\ua731\u1d1b\u1d00\u0274\u1d1b",
        "\u0430\u0455\u0455\u0456\u0455\u0442\u0430nt",
        "\u0455\u0443\u0455\u0442\u0435\u043c",
        "@$$istant",
        "\U0001f170ssistant",
        "assistant \ua78f demo",
        "assistant\u1427demo",
        "assistant \u30fc demo",
        "assistant - demo",
    ],
)
def test_a_display_name_cannot_look_like_the_author_of_an_answer(name: str) -> None:
    """Also as a part between other signs."""
    with pytest.raises(ValidationFailed, match="reserved word") as refused:
        names.display_name_skeletons(name)
    assert refused.value.errors is not None
    assert refused.value.errors[0].field == "display_name"


@pytest.mark.parametrize(
    "name",
    [
        *(None, "All Stars", "Ali", "System Test", "松本", "Zoë", "O'Neil", "Müller", "José"),
        *("山田太郎", "Анна", "Алла", "Nguyễn", "김철수", "محمد", "अनिता", "Jean-Luc", "👍", "5"),
    ],
)
def test_other_display_names_are_allowed(name: str | None) -> None:
    """In every script."""
    names.display_name_skeletons(name)
