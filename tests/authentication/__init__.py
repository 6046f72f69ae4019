"""Who is calling: every way to prove it, over real HTTP, and every way to pretend."""
