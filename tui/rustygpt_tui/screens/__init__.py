"""Screens: what fills the terminal, and the dialogs over it. Here widgets and the store meet."""
