"""The roles of those who call: machines by their keys, people by their sessions."""

from __future__ import annotations

ROLES = ("planner", "manager", "team-lead", "agent", "queue-engine", "auditor")
