"""Every bound on what a hostile or broken input can make the program read, in one place."""

from __future__ import annotations

from secpipe.model.named import NamedTuple

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class Limits(NamedTuple):
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
    layer_frames: int = 4_000_000
    """gzip members or zstd frames of one layer"""
    window_bytes: int = 128 * MIB
    """how far back a zstd frame may refer, which is what its decompression keeps in memory"""
    layer_entries: int = 2_000_000
    image_entries: int = 5_000_000
    implied_directories: int = 200_000
    """of one image, which a path of a few bytes may have thousands of"""
    layers: int = 1024
    file_bytes: int = 256 * MIB
    """one file that a cataloger asked for"""
    retained_bytes: int = 384 * MIB
    """all files that catalogers asked for, which are in memory together"""
    stream_bytes: int = 1 * GIB
    """an archive that comes through a pipe or from an engine, as it is kept in memory, packed"""
    platforms: int = 64
    """images of one index that are read for all platforms"""
    engine_seconds: int = 300
    """silence of a Docker or Podman engine, which may prepare an export whole before it sends any of it"""
    referrers: int = 1000
    """what refers to one image"""
    cache_bytes: int = 1 * GIB
    """what is kept of layers for the next scan; what was not used for longest goes first"""
    packages: int = 100_000
    """packages of one image"""
    jar_entries: int = 500_000
    """members of one Java archive and of the archives in it"""
    jar_bytes: int = 1 * GIB
    """inflated of one Java archive and of the archives in it; `file_bytes` of them are in memory together"""
    jar_depth: int = 6
    """Java archives within Java archives"""
    sbom_bytes: int = 64 * MIB
    """a list of packages that is read instead of an image"""
    sbom_objects: int = 2_000_000
    """objects and arrays in such a list, whose few bytes each take many of memory"""
    sbom_depth: int = 32
    """components within components of such a list"""
    vex_bytes: int = 64 * MIB
    """a VEX document"""
    report_bytes: int = 256 * MIB
    """a report that is converted"""
    tar_header_bytes: int = 1 * MIB
    """one PAX or GNU long-name header"""
    path_bytes: int = 32 * KIB
    long_name_bytes: int = 128 * MIB
    """what the names and links of one image have beyond 100 bytes each, which is as many as tar's own fields hold"""
    archive_entries: int = 100_000
    """members of the tar that an image was exported to"""
    path_components: int = 4096
    path_steps: int = 50_000_000
    """components looked at to resolve all paths of one image"""
    links: int = 40
    """symbolic links followed to resolve one path"""
    index_depth: int = 4
    """indexes within indexes"""
    index_entries: int = 4096
    """entries of all indexes of one image"""
    redirects: int = 10
    request_seconds: int = 60
    """one manifest or token request, or the head of a blob's answer, from start to end"""
    retry_seconds: int = 60
    """waiting between the tries of one request, all together"""
    idle_seconds: int = 30
    """silence within a request"""
    blob_bytes_per_second: int = 1 * KIB
    """the least that a blob must bring, over each `idle_seconds`"""
    blob_resumes: int = 5
    """times that the download of one blob is taken up again after a cut"""
    shellcheck_seconds: int = 30
    """ShellCheck's time for one script"""
    dockerfile_bytes: int = 16 * MIB
    """far more than anybody writes, and what one gRPC message of containerd's default carries to BuildKit's frontends"""
    script_depth: int = 64
    """substitutions within substitutions and scripts within scripts of one RUN"""
    script_error_bytes: int = 8 * KIB
    """of a script of a RUN behind its first syntax error, read in one; some errors would take quadratic time"""
    lock_seconds: int = 600
    """waiting for another process that updates the advisory database"""
    database_bytes: int = 8 * GIB
    """an advisory database that is imported, unpacked"""
    advisory_bytes: int = 32 * MIB
    """one OSV record, or one file that holds several"""
    feed_bytes: int = 4 * GIB
    """the zip of one ecosystem, as downloaded"""
    feed_entries: int = 2_000_000
    """records in one zip"""
    feed_ratio: int = 200
    """uncompressed : compressed of one record, checked above 1 MiB"""
    exploitation_bytes: int = 256 * MIB
    """CISA's catalogue of exploited vulnerabilities or the list of EPSS, unpacked"""
    list_pages: int = 2000
    """of a registry's list of repositories or tags"""
    catalog_repositories: int = 100_000
    """of one registry"""
    repository_tags: int = 100_000
    """of one repository"""
    fleet_bytes: int = 256 * MIB
    """one list, file of manifests or inventory that names the images of a fleet"""
    fleet_files: int = 100_000
    """files with manifests in one folder"""
    fleet_values: int = 2_000_000
    """values of one document with manifests, or of one object in an inventory"""
    fleet_depth: int = 100
    """values within values of such a document"""
    fleet_names: int = 1_000_000
    """names of images that the sources of a fleet have, repeated ones counted each time"""
    fleet_problems: int = 100
    """of one kind, with one source of names or with all that is read, that are told one by one"""
