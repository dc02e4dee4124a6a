"""Parts of kernels: compilation, arrays, vectors, hashing. Nothing here knows of text or tokens."""
