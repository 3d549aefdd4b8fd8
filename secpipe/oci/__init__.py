"""Sources of container images: references, registries, layouts, archives. The entry is `target.open_image`."""
