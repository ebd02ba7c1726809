"""What the operating system reports about other processes."""

import os
import subprocess
import sys

from rustygpt_server.db.embedded import processes


def test_a_running_process_has_a_start_time_and_a_command() -> None:
    """The start time of a process does not change."""
    assert processes.start_time(os.getpid()) == processes.start_time(os.getpid()) != "-"
    assert "pytest" in processes.command(os.getpid()) or "python" in processes.command(os.getpid())


def test_an_ended_process_has_no_start_time_and_no_command() -> None:
    """A zombie process has no command either."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes.command(child.pid) == ""
    child.wait()
    assert processes.start_time(child.pid) == "-"
    assert processes.command(child.pid) == ""


def test_ps_reports_the_same_process() -> None:
    """`ps` is used where there is no /proc."""
    assert processes._ps("pid=", os.getpid()).split() == [str(os.getpid())]
