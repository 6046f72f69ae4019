"""Deaths of real processes, on both systems: nothing may be left behind."""
