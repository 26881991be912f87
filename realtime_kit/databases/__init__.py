"""Real databases, private to this process and gone with it."""

from realtime_kit.databases.postgresql import PostgreSQL

__all__ = ["PostgreSQL"]
