"""Finding of defects: one file a kind, each from pixels to a hole."""
