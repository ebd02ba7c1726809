"""PostgreSQL: the pool, the bootstrap, and one module of one-line procedure wrappers per topic.

Only this package knows asyncpg. No rules live here: those are in the procedures and services.
"""
