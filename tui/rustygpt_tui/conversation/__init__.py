"""The open conversation without a screen: its session, its list, sending, drafts, typing.

No widgets and no Textual import: `screens` show what these modules keep.
"""
