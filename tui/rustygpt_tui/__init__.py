"""The terminal chat and the subcommands."""
