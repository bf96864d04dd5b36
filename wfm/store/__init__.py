"""All that speaks SQL: one module a subject, the same statements on SQLite and PostgreSQL."""
