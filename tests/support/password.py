"""The password of every user in tests."""

PASSWORD = "correct horse battery"
