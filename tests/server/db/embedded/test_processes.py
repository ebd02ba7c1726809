"""What the system tells of other processes."""

import os
import subprocess
import sys

from rustygpt_server.db.embedded import processes


def test_a_living_process_is_told_by_start_and_words() -> None:
    """Our own process has a start that stays, and its command line."""
    assert processes.start_time(os.getpid()) == processes.start_time(os.getpid()) != "-"
    assert "pytest" in processes.command(os.getpid()) or "python" in processes.command(os.getpid())


def test_the_dead_are_nobody() -> None:
    """A process that ended has no start, and its remains have no words."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes.command(child.pid) == ""
    child.wait()
    assert processes.start_time(child.pid) == "-"
    assert processes.command(child.pid) == ""


def test_ps_tells_the_same() -> None:
    """Where there is no /proc, `ps` is asked; it knows us too."""
    assert processes._ps("pid=", os.getpid()).split() == [str(os.getpid())]
