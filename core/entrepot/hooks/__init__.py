"""What plugins may answer, and how they are found and asked."""
