"""Errors and their exit codes."""

from rustygpt_tui.errors import AnswerFailed, ClientError, Exit, NotFound


def test_an_error_has_a_sentence_and_a_code() -> None:
    """The code is the class's own, unless the server sent one."""
    assert (NotFound("Gone.").code, NotFound("Gone.").sentence) == ("RGP.NOT_FOUND", "Gone.")
    assert ClientError("No.", code="RGP.X", request_id="r").code == "RGP.X"
    assert AnswerFailed("It was stopped.").exit_code == 9


def test_exit_codes_are_the_documented_ones() -> None:
    """Scripts rely on them."""
    signals = [129, 130, 141, 143]
    assert [int(code) for code in Exit] == [*range(10), *signals]
