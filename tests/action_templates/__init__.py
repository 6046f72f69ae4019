"""A package, because its tests share documents and what is served."""
