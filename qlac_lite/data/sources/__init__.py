"""Where data come from: hosts and mirrors, OGBench's oracles, scripts for Robomimic,
play of the lite world."""
