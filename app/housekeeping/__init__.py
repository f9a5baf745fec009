"""Daily jobs that remove what is no longer needed."""
