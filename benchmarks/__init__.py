"""How fast secpipe is, as ratios against the peers measured in the same run."""
