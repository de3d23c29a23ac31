"""Timings of izhi beside what people do today; ``make bench`` runs them."""
