"""What the store remembers, refuses and serialises."""
