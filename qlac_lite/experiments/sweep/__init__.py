"""Tasks x methods x seeds from a TOML file, as Ray tasks, with a table that says how they fare."""
