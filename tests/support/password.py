"""The password of all users in tests."""

PASSWORD = "correct horse battery"
