"""The file layouts that are read and verified: OGBench's, robomimic's, and the records beside files."""
