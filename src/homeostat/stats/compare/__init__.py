"""Two models on the same rows: is one better, by how much, and how sure is that."""
