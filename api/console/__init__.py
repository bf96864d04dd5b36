"""The planner's and manager's screens."""
