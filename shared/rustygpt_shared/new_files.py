"""Files that appear complete, under names that were free."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
"""What file systems without links answer: FAT, as on many USB drives, and some of networks."""


def publish(temporary: Path, target: Path, link: Callable[[Path, Path], None] = os.link) -> None:
    """Give a complete file its name; raise FileExistsError if that is taken.

    A link fails where the name was taken at the last moment; without links that is not noticed.
    """
    try:
        link(temporary, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        temporary.rename(target)
