"""Conversations over REST."""
