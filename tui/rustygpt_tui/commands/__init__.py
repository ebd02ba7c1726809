"""The subcommands: each asks the server, prints what it says, and ends with an exit code.

Data goes to standard output, everything else to standard error. Nothing here knows Textual, and
httpx is not imported before a server is asked.
"""
