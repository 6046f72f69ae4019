"""What a user does, line by line, with the real clients."""
