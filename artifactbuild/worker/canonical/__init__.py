"""The same bytes every time: files rewritten without clocks, ids, counters and machines."""
