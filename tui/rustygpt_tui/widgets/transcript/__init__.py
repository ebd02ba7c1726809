"""The transcript: a thread's messages in one widget, however many there are.

`widget` is what screens use. Under it: `view` keeps the reader's line where it is, `flow` knows
what stands where, `page` makes an entry's lines, `entries` the tree's shape, `strips` and `palette`
turn lines into what Textual paints.
"""
