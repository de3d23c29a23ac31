"""Composes configs with Hydra and checks every value and unit (compose)."""
