"""What is predicted: one module for each kind of target."""
