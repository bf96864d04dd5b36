"""What-if: scenarios on the roster in force, kept, compared, repaired, promoted, replayed."""
