"""Measure, and print tables: `python -m tests.benchmarks [PART…]`, all of PARTS by default.

Everything runs on loopback and in temporary folders, and ends with the run. Progress is printed on
standard error. Parts whose programs are missing are named and skipped. Nothing is asserted:
compare ratios, on one machine.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.benchmarks import (
    answers,
    cross_process,
    limits,
    page,
    peers_side_by_side,
    posts,
    server_load,
    terminal,
    threads,
)
from tests.benchmarks.harness import HERE, compile_c, machine, raise_limits

PARTS = (
    "start",
    "peers",
    "posts",
    "limits",
    "load",
    "crossing",
    "answers",
    "terminal",
    "threads",
    "page",
)


def main() -> None:
    """Measure the requested parts."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument(
        "--repetitions", type=int, default=3, help="the median of N runs is printed"
    )
    options = parser.parse_args()
    parts = options.parts or PARTS
    unknown = set(parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    raise_limits()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            print(f"\n## {part}\n", flush=True)
            measure(part, Path(folder), options.repetitions)


def measure(part: str, work: Path, repetitions: int) -> None:
    """Measure one part and print its table."""
    without_load_client = {
        "start": lambda: print(asyncio.run(server_load.measure_starts())),
        "posts": lambda: print(asyncio.run(posts.measure_posts(repetitions))),
        "answers": lambda: print(asyncio.run(answers.measure_answers())),
        "limits": lambda: print(asyncio.run(limits.measure_limits(repetitions))),
        "terminal": lambda: asyncio.run(terminal.main()),
        "threads": lambda: print(threads.measure_threads(repetitions)),
        "page": lambda: print(page.measure_page()),
    }
    if part in without_load_client:
        without_load_client[part]()
    else:
        measure_deliveries(part, work, repetitions)


def measure_deliveries(part: str, work: Path, repetitions: int) -> None:
    """Measure a part with the load client and print its table."""
    client = compile_c(HERE / "sse_load.c", work)
    if client is None:
        print("skipped: there is no C compiler for the load client")
    elif part == "load":
        print("Posts are stored durably, numbered and logged before they are delivered.\n")
        print(asyncio.run(server_load.measure_load(client, repetitions)))
    elif part == "crossing":
        print(asyncio.run(cross_process.measure_cross_process(client, repetitions)))
    else:
        print("Ready events without a database; only ours authorizes streams.\n")
        print(peers_side_by_side.measure_peers(client, work, repetitions))


if __name__ == "__main__":
    main()
