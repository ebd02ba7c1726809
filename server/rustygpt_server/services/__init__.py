"""The use cases of the server, which know structs and the database, but no HTTP."""
