"""The transcript: all messages of a thread in one widget, however many there are.

Screens use `widget`. Below it, `view` keeps the scroll position, `layout` maps rows to entries,
`entry_list` and `entries` build entries from messages, `rendered_entry` renders one entry to lines,
`heights` sums their heights, and `strips` and `styles` convert lines to what Textual paints.
"""
