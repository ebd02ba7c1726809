"""The open conversation without a screen: session, list, drafts, sending, typing, view models.

No widget and no Textual import: `screens` draw what these modules hold and call them on input.
"""
