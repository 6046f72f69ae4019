"""What pipelines and runbooks run, run as they run it."""
