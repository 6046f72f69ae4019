"""A package, because a test starts one of its modules as a process."""
