"""Where work runs: in this process, or in worker processes that it watches."""
