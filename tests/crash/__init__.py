"""Death at every point: nothing may be left behind."""
