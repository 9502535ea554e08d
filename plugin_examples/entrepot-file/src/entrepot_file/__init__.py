"""Plain files: mirror what a manifest, a list of checksums or a folder names, and list it again."""
