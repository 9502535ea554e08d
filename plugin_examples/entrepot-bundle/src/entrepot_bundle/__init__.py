"""Content inside content: mirror an index that lists manifests that list blobs."""
