"""Ctrl-C ends a command that waits, whichever moment it arrives in."""

import subprocess
import sys

# A signal that another thread receives does not interrupt the wait of the main thread, as a signal
# that arrives just before the wait does not.
PROGRAM = """
import asyncio, signal, threading

from rustygpt_tui.commands.interrupts import run_interruptible

def interrupt():
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

async def wait():
    threading.Timer(0.3, interrupt).start()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise

try:
    asyncio.run(run_interruptible(wait()))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_a_signal_that_does_not_interrupt_the_wait_wakes_the_loop() -> None:
    """The coroutine is cancelled at once, and the program is interrupted."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["cancelled", "interrupted"], "")
