"""Axes, points, structures and shards as plain data (plan)."""
