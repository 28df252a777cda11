"""One training run: its parts put together, the loop, its schedule, checkpoints and backends."""
