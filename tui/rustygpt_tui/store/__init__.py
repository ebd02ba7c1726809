"""The state of a conversation as the terminal knows it, and the drafts written in it.

Pure data and functions: callers pass in what is fetched; nothing here uses the network or a screen.
"""
