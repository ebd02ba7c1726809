"""Everything that is measured, one table after the other: `make bench`."""

import asyncio

from tests.benchmarks import terminal

if __name__ == "__main__":
    asyncio.run(terminal.main())
