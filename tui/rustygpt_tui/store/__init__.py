"""What the terminal knows of a conversation, and the drafts written in it.

Pure data and functions: no network (what is needed is handed in), no screen.
"""
