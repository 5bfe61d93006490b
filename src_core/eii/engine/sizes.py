"""Sizes of windows, in pixels, that the plan keeps to."""

WINDOW = 512
"""Side of the largest window."""
HALO = 64
"""Context around what a window of a lattice fills."""
LEAST_CONTEXT = 24
"""Context around a speck."""
GRID = 32
"""Window origins are multiples of it: every backbone's stride divides it."""
SMALL = WINDOW // 4
"""Side of the largest part that shares a window with others."""
SIDES = (64, 96, 128, 160, 224, 288, 384, 512)
"""Sides that shared windows have, so that networks meet few shapes."""
OVERHEAD = 64 * 64
"""What setting up a window costs, in pixels of its area."""
