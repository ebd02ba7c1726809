"""Files that appear complete, under names that were free."""

import errno
import os
from pathlib import Path

import pytest

from rustygpt_shared.new_files import publish


def _refuse(*_paths: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("has_links", [True, False])
def test_a_free_name_is_taken_and_another_one_is_not(has_links: bool, tmp_path: Path) -> None:
    """Also on a file system without links, such as that of a USB drive; a dangling link counts."""
    link = os.link if has_links else _refuse
    temporary, target, taken = (tmp_path / name for name in ("temporary", "target", "taken"))
    taken.symlink_to(tmp_path / "nowhere")
    temporary.write_text("x")
    with pytest.raises(FileExistsError):
        publish(temporary, taken, link)
    publish(temporary, target, link)

    assert target.read_text() == "x"
    assert taken.is_symlink()


def test_another_error_is_not_hidden(tmp_path: Path) -> None:
    """As of a folder that is missing."""
    temporary = tmp_path / "temporary"
    temporary.write_text("x")
    with pytest.raises(FileNotFoundError):
        publish(temporary, tmp_path / "missing" / "target")
