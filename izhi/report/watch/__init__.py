"""A page that shows how far a study is while it runs: ``izhi watch``."""
