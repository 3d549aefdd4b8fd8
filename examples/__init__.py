"""A Dockerfile with flaws and the images that go with it, built from text."""
