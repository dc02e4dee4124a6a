"""What the kernels are made of: compilation, arrays, vectors, hashing. Knows nothing of text or tokens."""
