"""Many images at once: who they are, what of them has to be read, and what became of them since the last time."""
