"""Problems on the wire."""

from rustygpt_shared import codec, problems
from rustygpt_shared.problems import Problem


def test_a_problem_leaves_out_what_it_lacks() -> None:
    """Without field errors and a time to wait, those members are absent."""
    code = problems.NOT_FOUND
    told = Problem(problems.TYPE_PREFIX + code, "Not Found", 404, "no", code, "no", "r")

    assert codec.encode(told) == (
        b'{"type":"https://rustygpt.dev/problems/RGP.NOT_FOUND","title":"Not Found","status":404,'
        b'"detail":"no","code":"RGP.NOT_FOUND","message":"no","request_id":"r"}'
    )
