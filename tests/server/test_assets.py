"""The folders of files that belong to the program."""

import pytest

from rustygpt_server import assets


def test_the_sql_folder_exists() -> None:
    """The scripts are found in a checkout and in an installation."""
    assert (assets.sql_folder() / "schema").is_dir()


def test_a_missing_folder_is_an_error() -> None:
    """The message names the way to repair the installation."""
    with pytest.raises(FileNotFoundError, match="install rustygpt again"):
        assets._folder("nothing")
