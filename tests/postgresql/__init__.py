"""The same promises on PostgreSQL, with many workers."""
