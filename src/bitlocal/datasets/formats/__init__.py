"""Files that hold data: what they look like, and how they are read."""
