"""Shapes of people."""

from uuid import UUID

from rustygpt_shared import codec
from rustygpt_shared.models.users import PublicUser, User


def test_other_people_have_no_address() -> None:
    """What a search tells of a person never has the e-mail address."""
    assert "email" not in PublicUser.__struct_fields__
    assert b'"email":"a@b"' in codec.encode(User(UUID(int=1), "a@b", "a", []))
