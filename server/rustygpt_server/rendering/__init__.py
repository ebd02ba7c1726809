"""Message text as HTML: rendered in child processes with a deadline, and kept.

`renderer` is what services and routes use. `html` and `worker` run in the child processes and are
not imported by the server itself.
"""
