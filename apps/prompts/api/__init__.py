"""Prompt templates over REST."""
