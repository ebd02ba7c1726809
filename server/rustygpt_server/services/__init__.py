"""The rules: one verb per user's wish. They know structs and the database, but no HTTP."""
