"""The folder on disk: shards, dataset, summary, log (gather)."""
