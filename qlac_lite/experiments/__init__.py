"""Many runs with one question: lists of cells, ablations, the D1 / D5 experiment, and sweeps."""
