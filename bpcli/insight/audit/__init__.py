"""What in a table makes a score look better than it is, or learning harder than it need be."""
