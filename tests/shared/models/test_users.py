"""The JSON of accounts."""

from uuid import UUID

from rustygpt_shared import codec
from rustygpt_shared.models.users import PublicUser, User


def test_search_results_have_no_e_mail_address() -> None:
    """Only the owner and administrators see it."""
    assert "email" not in PublicUser.__struct_fields__
    assert b'"email":"a@b"' in codec.encode(User(UUID(int=1), "a@b", "a", []))
