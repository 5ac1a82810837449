"""What the stage evaluate computes: performance, curves, the baseline table and the design in words."""
