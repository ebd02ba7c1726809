"""The benchmarks can be started: they do not run with the tests, and would break unnoticed."""

import subprocess
import sys

from tests.repo.generate_reference import ROOT


def test_every_part_can_be_imported() -> None:
    """`python -m tests.benchmarks --help` imports all parts."""
    command = [sys.executable, "-m", "tests.benchmarks", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode == 0, result.stderr
