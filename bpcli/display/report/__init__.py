"""One HTML file about a run, which needs nothing else: no network, no other file."""
