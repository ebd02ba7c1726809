"""What commands print."""

import json

from hypothesis import given
from hypothesis import strategies as st
from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import TEA, conversation

from rustygpt_shared.models.conversations import ConversationList
from rustygpt_tui.client.printable import printable
from rustygpt_tui.commands.output import json_line, retry_text

TEXT = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("\x1b\x9b\u202e\u2028\u3164"))
)


@given(TEXT)
def test_json_is_complete_and_cannot_control_a_terminal(text: str) -> None:
    """Characters that could control a terminal are escaped, not lost."""
    line = json_line({"text": text})
    assert json.loads(line) == {"text": text}
    assert printable(line) == line
    assert "\n" not in line


async def test_columns_are_aligned_by_the_cells_that_text_takes(signed_in: FakeHttpServer) -> None:
    """Wide characters take two cells; combining marks and joiners take none."""
    titles = ["tea!", "茶茶", "te\u0301a!", "👩\u200d🔬ab"]
    listed = ConversationList([conversation(TEA, title, unread=1_000) for title in titles])
    signed_in.on("GET", "/api/conversations", FakeResponse(body=listed))
    result = await rustygpt("conversations", terminal=True)
    rows = [line.split(str(TEA))[1] for line in result.out.splitlines()[1:]]
    assert [row.split("1000+")[0] for row in rows] == [f"  {title}   " for title in titles]


def test_the_next_try_is_now_or_in_seconds() -> None:
    """Nobody waits for 0 s."""
    assert retry_text(0.2) == "Trying again now."
    assert retry_text(1.6) == "Trying again in 2 s."
