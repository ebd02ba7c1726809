"""The commands `conversations export` and `conversations import`, against a real server."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.support.clients.cli_user import CliUser
from tests.support.database.failing_procedures import DISK_FULL, failing_procedure
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import HttpUser, InProcessServer, StartServer

FOLDER: Final = Path(__file__).parents[2] / "data" / "imports"


@pytest.fixture
async def server(start_server: StartServer) -> AsyncIterator[InProcessServer]:
    """A real server, in place of the fake one of the other commands."""
    async with start_server() as running:
        yield running


@pytest.fixture
async def ann(server: InProcessServer) -> HttpUser:
    """Ann, as whom commands are signed in."""
    return await server.person("ann")


@pytest.fixture
async def cli(server: InProcessServer, ann: HttpUser, tmp_path: Path) -> CliUser:
    """Ann's command line."""
    user = CliUser(tmp_path / "settings", server.url)
    await user.run("login", "--email", "ann", "--password-stdin", stdin=PASSWORD + "\n")
    return user


async def _conversation(user: HttpUser) -> str:
    conversation_id = await user.conversation("Plans")
    root = await user.root(conversation_id, "first \x1b[31m")
    await user.reply(root, "second")
    return conversation_id


async def test_an_export_is_written_to_a_file(ann: HttpUser, cli: CliUser, tmp_path: Path) -> None:
    """Named by the conversation's title; a file of that name is replaced, and no other is left."""
    await _conversation(ann)
    target = tmp_path / "folder" / "plans.jsonl"
    target.parent.mkdir()
    target.write_text("before")

    assert await cli.error("conv", "export", "Plans", "-o", str(target), expect=0) == (
        f"Exported to {target}.\n"
    )
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert [line["type"] for line in lines] == ["header", "message", "message", "footer"]
    assert list(target.parent.iterdir()) == [target]


async def test_an_export_goes_to_a_pipe(ann: HttpUser, cli: CliUser) -> None:
    """As it is, of all threads or of one; an unknown thread is exit code 5."""
    conversation_id = await _conversation(ann)
    root = await ann.root(conversation_id, "another thread")
    export = ("conversations", "export", conversation_id, "--format")
    piped = await cli.run(*export, "markdown")
    one = json.loads(await cli.run(*export, "json", "--root", root))
    unknown = "00000000-0000-7000-8000-0000000000ff"
    await cli.error(*export, "json", "--root", unknown, expect=5)

    assert "first \x1b[31m" in piped
    assert [message["content"] for message in one["messages"]] == ["another thread"]


async def test_what_fails_leaves_no_file(
    ann: HttpUser, cli: CliUser, tmp_path: Path, superuser: Any
) -> None:
    """The former file stays; a lost server is exit code 3, a missing folder 1."""
    conversation_id = await _conversation(ann)
    root = await ann.root(conversation_id)
    await ann.call("POST", f"/api/messages/{root}/edit", {"content": "y"}, expect=204)
    target = tmp_path / "folder" / "plans.jsonl"
    target.parent.mkdir()
    target.write_text("before")
    export = ("conversations", "export", conversation_id, "-o")
    async with failing_procedure(superuser, "list_revisions", DISK_FULL):
        broken = await cli.error(*export, str(target), expect=3)
    missing = await cli.error(*export, str(tmp_path / "missing" / "x.jsonl"), expect=1)

    assert "broke off" in broken
    assert "cannot be written: no such file or directory" in missing
    assert target.read_text() == "before"
    assert list(target.parent.iterdir()) == [target]


async def test_a_file_is_imported(ann: HttpUser, cli: CliUser, tmp_path: Path) -> None:
    """From a name or a pipe; the new conversations are listed, and what was left out is said."""
    conversation_id = await _conversation(ann)
    exported = await cli.run("conversations", "export", conversation_id)
    file = FOLDER / "chatgpt_images.json"
    lines = (await cli.run("conv", "import", "-", stdin=exported)).splitlines()
    note = await cli.error("conv", "import", str(file), expect=0)
    [result] = await cli.json("conv", "import", str(file))
    titles = [c["title"] for c in (await ann.get("/api/conversations"))["conversations"]]

    assert [line.split("\t")[1:] for line in lines] == [["Plans", "1", "2"]]
    assert note == (
        "Imported 1 conversation with 5 messages. "
        "Left out or changed: attachments (1), audio recordings (1), images (2).\n"
    )
    assert (result["format"], result["messages"]) == ("chatgpt", 5)
    assert sorted(titles) == ["Picture", "Picture", "Plans", "Plans"]


async def test_a_bad_file_is_an_error(cli: CliUser, tmp_path: Path) -> None:
    """With its place, and exit code 1; a file that is not there is an error of usage."""
    bad = await cli.error("conv", "import", str(FOLDER / "rustygpt_missing_parent.jsonl"), expect=1)
    missing = await cli.error("conv", "import", str(tmp_path / "missing"), expect=2)

    assert "Line 3: its parent is not among the messages before it" in bad
    assert "cannot be read: no such file or directory" in missing


async def test_a_pipe_and_a_link_stay(ann: HttpUser, cli: CliUser, tmp_path: Path) -> None:
    """A pipe gets the export, and a link's target is replaced."""
    await _conversation(ann)
    pipe, link, target = tmp_path / "pipe", tmp_path / "link", tmp_path / "target"
    os.mkfifo(pipe)
    target.write_text("before")
    link.symlink_to(target)
    reading = asyncio.create_task(asyncio.to_thread(pipe.read_bytes))
    await cli.error("conv", "export", "Plans", "-o", str(pipe), expect=0)
    await cli.error("conv", "export", "Plans", "-o", str(link), expect=0)
    piped = await reading

    assert piped.splitlines()[1:] == target.read_bytes().splitlines()[1:]
    assert pipe.is_fifo()
    assert link.is_symlink()


async def test_a_device_that_is_full_stays(ann: HttpUser, cli: CliUser) -> None:
    """The error names it."""
    await _conversation(ann)
    device = Path("/dev/full")
    if not device.is_char_device():
        pytest.skip("this system has no such device")
    error = await cli.error("conv", "export", "Plans", "-o", str(device), expect=1)

    assert error == "rustygpt: /dev/full cannot be written: no space left on device.\n"
    assert device.is_char_device()


async def test_a_pipe_is_imported(cli: CliUser, tmp_path: Path) -> None:
    """As the shell's `<(command)`: it has no size."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = (FOLDER / "rustygpt.jsonl").read_bytes()
    writing = asyncio.create_task(asyncio.to_thread(pipe.write_bytes, content))
    error = await cli.error("conv", "import", str(pipe), expect=0)
    await writing

    assert error.startswith("Imported 1 conversation with 4 messages.")
