"""The messages between a parent process and its workers."""

from rustygpt_server.app.worker_protocol import (
    WorkerConfig,
    WorkerStatus,
    decode_config,
    decode_status,
    encode,
)
from rustygpt_shared.settings import Db, Llm, Model, Provider, Settings


def test_a_worker_config_is_decoded_as_it_was_sent() -> None:
    """All settings, including secrets, are encoded in one line."""
    settings = Settings(
        db=Db(url="postgresql://a:b@c/d"),
        llm=Llm(
            providers={"p": Provider(kind="openai", api_key="k\n", headers={"x": "y"})},
            models={"m": Model(provider="p", params={"temperature": 0.5})},
        ),
    )
    config = WorkerConfig(
        settings, "url", "user", "pass\nword", "token", 7, "/f", [("seed", "kept", 0.5)]
    )
    line = encode(config)

    assert line.count(b"\n") == 1
    assert decode_config(line) == config


def test_a_worker_status_is_decoded_as_it_was_sent() -> None:
    """A status reports that a worker is ready, or the reason why it failed."""
    for status in (WorkerStatus(ready=True, is_setup=False), WorkerStatus(failed="no\nway")):
        assert decode_status(encode(status)) == status
