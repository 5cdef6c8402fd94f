"""Step 3 of 5: Faust opens, redacts, enriches and seals each event. Step 4 of 5: the sink loads ClickHouse exactly once."""
