"""From one CSV to arrays: read, split, roles, transforms fitted on training rows only."""
