"""What runs say: tables, figures and films, of one run, of a task, over tasks, beside the paper."""
