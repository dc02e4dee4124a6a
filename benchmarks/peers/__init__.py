"""The tokenizers that are compared: one interface for every library."""
