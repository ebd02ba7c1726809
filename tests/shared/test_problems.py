"""Problem details on the wire."""

from rustygpt_shared import codec, problems
from rustygpt_shared.problems import Problem


def test_optional_members_are_left_out() -> None:
    """Without field errors and a time to wait, those members are absent."""
    code = problems.NOT_FOUND
    body = Problem(problems.TYPE_PREFIX + code, "Not Found", 404, "no", code, "no", "r")

    assert codec.encode(body) == (
        b'{"type":"https://rustygpt.dev/problems/RGP.NOT_FOUND","title":"Not Found","status":404,'
        b'"detail":"no","code":"RGP.NOT_FOUND","message":"no","request_id":"r"}'
    )
