"""What monitoring systems push, from their formats to the runs that they stop."""
