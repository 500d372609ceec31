"""An interpreter of recorded scenarios over the public API: `python -m tests.conformance.turns SCENARIOS OUT [--only GLOB]`."""
