"""One night for a scheduler: a sweep within a budget, canaries, history, and what confirms or refutes its alarms."""
