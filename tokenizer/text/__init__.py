"""Text as UTF-8 for the kernels, its character classes, and long texts cut into pieces."""
