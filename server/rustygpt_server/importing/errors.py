"""The errors of a file that cannot be imported."""


class BadFile(Exception):
    """Why a file cannot be imported: a sentence for a person, without its place in the file."""


class NotJson(BadFile):
    """A part of the file is no JSON; it may be incomplete."""
