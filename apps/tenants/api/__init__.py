"""Tenants and projects over REST."""
