"""Figures, as ratios in one run. Nothing here is part of the test suite."""
