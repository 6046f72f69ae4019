"""Faults and target resolvers of Google Cloud. Its SDK may be imported here, lazily."""
