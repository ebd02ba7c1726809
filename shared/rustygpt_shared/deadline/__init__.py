"""Child processes that work on text of users, each task within a deadline.

`process` is the side that asks, `worker` the side that works. What the work is, both sides of the
program say themselves. A task that takes too long ends its process: a thread could not be ended,
and would keep Python's lock.
"""
