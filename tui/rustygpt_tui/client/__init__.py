"""The terminal's side of the wire: typed calls, the stream, sessions, and a server of one's own.

Nothing here knows a screen; httpx is imported when the first call is made.
"""
