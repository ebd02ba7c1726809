"""Screens and dialogs of the terminal chat; they connect widgets with `conversation`."""
