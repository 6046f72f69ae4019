"""What `faultbridge grants` prints is enough, and nothing of it can be left out."""
