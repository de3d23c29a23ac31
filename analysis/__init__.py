"""Looks at stored studies: what the pictures and tables in the docs are made with."""
