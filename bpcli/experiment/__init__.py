"""One experiment: the config's root, what it leaves open, and training with it in memory."""
