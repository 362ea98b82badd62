"""Looking into a network: its gradients, one row's way through it, what ails it, what it sees."""
