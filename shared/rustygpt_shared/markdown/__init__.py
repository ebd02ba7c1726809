"""The Markdown of messages: CommonMark with tables and strike-through, for server and terminal.

Nothing that a person wrote disappears: raw HTML is text, and what CommonMark drops (content that is
nested too deeply, surplus cells of a table, link definitions) becomes tokens of its own. What the
tokens look like is decided by the renderers.
"""
