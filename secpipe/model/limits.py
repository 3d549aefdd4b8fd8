"""Every bound on what a hostile or broken input can make the program read, in one place."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes unless the name says otherwise. `--limit NAME=VALUE` overrides one (dashes for underscores)."""

    manifest_bytes: int = 4 * MIB
    config_bytes: int = 8 * MIB
    token_bytes: int = 1 * MIB
    error_body_bytes: int = 64 * KIB
    blob_bytes: int = 20 * GIB
    layer_bytes: int = 8 * GIB
    """uncompressed, one layer"""
    image_bytes: int = 20 * GIB
    """uncompressed, all layers"""
    layer_ratio: int = 200
    """uncompressed : compressed, checked above 256 MiB"""
    layer_entries: int = 2_000_000
    image_entries: int = 5_000_000
    layers: int = 1024
    file_bytes: int = 256 * MIB
    """one file that a cataloger asked for"""
    retained_bytes: int = 1 * GIB
    """all files that catalogers asked for"""
    tar_header_bytes: int = 1 * MIB
    """one PAX or GNU long-name header"""
    path_components: int = 4096
    links: int = 40
    """symbolic links followed to resolve one path"""
    index_depth: int = 4
    """indexes within indexes"""
    index_entries: int = 4096
    """entries of all indexes of one image"""
    redirects: int = 10
    request_seconds: int = 600
    """one manifest, token or blob request from start to end"""
    idle_seconds: int = 30
    """silence within a request"""
