"""What every layer may use: errors, whole files, the machine, statistics."""
