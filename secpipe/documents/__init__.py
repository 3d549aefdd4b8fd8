"""Trees of values out of YAML, TOML and JSON that people wrote: configuration, ignore files, VEX."""
