"""What a parent and its workers tell each other is understood as it was meant."""

from rustygpt_server.app.worker_protocol import (
    WorkerConfig,
    WorkerStatus,
    decode_config,
    decode_status,
    encode,
)
from rustygpt_shared.settings import Db, Llm, Model, Provider, Settings


def test_orders_survive_the_pipe() -> None:
    """All settings, secrets too, on one line."""
    settings = Settings(
        db=Db(url="postgresql://a:b@c/d"),
        llm=Llm(
            providers={"p": Provider(kind="openai", api_key="k\n", headers={"x": "y"})},
            models={"m": Model(provider="p", params={"temperature": 0.5})},
        ),
    )
    orders = WorkerConfig(
        settings, "url", "user", "pass\nword", "token", 7, "/f", [("seed", "kept", 0.5)]
    )
    line = encode(orders)

    assert line.count(b"\n") == 1
    assert decode_config(line) == orders


def test_news_survive_the_pipe() -> None:
    """That a worker serves, or why it does not."""
    for news in (WorkerStatus(ready=True, is_setup=False), WorkerStatus(failed="no\nway")):
        assert decode_status(encode(news)) == news
