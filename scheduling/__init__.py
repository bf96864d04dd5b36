"""From forecast to requirement, roster, simulation and certificate. Pure: no I/O, no clock."""
