"""Streams: who reads what, in order, without loss, in bounded memory.

Nothing here knows HTTP: it gives bytes to whoever sends them.
"""
