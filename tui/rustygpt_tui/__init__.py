"""The terminal client: the Textual chat and the subcommands."""
