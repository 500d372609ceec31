"""All figures: `python -m benchmarks`."""

from benchmarks import import_time, turn_cost, wire_json

import_time.main()
turn_cost.main()
wire_json.main()
