"""What deploys the bridge."""
