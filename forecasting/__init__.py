"""Past contact volumes in, calibrated quantiles of the coming weeks out. Pure: no I/O, no clock."""
