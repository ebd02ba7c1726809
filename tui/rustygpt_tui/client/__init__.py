"""The HTTP client: typed calls, the event stream, sessions, and a server of the user's own.

Nothing here depends on a screen. httpx is imported by the first call, so that commands start fast.
"""
