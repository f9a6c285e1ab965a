"""How a cell's speed and quality move over the nights: series, alarms, regressions and their life cycle."""
