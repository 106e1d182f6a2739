"""Members over REST."""
