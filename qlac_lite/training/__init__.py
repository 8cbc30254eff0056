"""Both phases of a run, the episodes it collects and is judged by, its folder, and its policy as a file."""
