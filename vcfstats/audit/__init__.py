"""What changed, what it moved, and whether the numbers can be true."""
