"""Queueing formulas and the load they are fed: Erlang, priorities, offered load."""
