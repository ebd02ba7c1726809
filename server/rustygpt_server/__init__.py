"""The RustyGPT server: REST, streams, and the assistant, on PostgreSQL."""
