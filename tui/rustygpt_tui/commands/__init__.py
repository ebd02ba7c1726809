"""The subcommands: each calls the server, prints the result, and ends with an exit code.

Data goes to standard output, everything else to standard error. Nothing here imports Textual, and
httpx is imported by the first request.
"""
