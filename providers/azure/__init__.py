"""Faults and target resolvers of Azure. Its SDK may be imported here, lazily."""
