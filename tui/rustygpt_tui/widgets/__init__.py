"""Widgets: they draw what the screens pass to them and report input by Textual messages."""
