"""All figures: `python -m benchmarks`."""

from benchmarks import import_time, turn_cost

import_time.main()
turn_cost.main()
