"""Folded Brian2 networks and the back ends that run them (run); only this room knows Brian2."""
