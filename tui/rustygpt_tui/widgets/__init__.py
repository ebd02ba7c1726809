"""Widgets: what a person sees and touches. They are told by the screens and talk up by messages."""
