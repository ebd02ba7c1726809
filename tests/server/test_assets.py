"""Where the plain files are."""

import pytest

from rustygpt_server import assets


def test_sql_is_found_in_a_checkout() -> None:
    """The scripts are found, in whatever form the program is installed."""
    assert (assets.sql_folder() / "schema").is_dir()


def test_a_missing_folder_is_told() -> None:
    """An installation without a folder says so."""
    with pytest.raises(FileNotFoundError, match="install rustygpt again"):
        assets._folder("nothing")
