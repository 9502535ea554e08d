"""From a version's content to the files that clients read."""
