"""Rules over signals: expressions, schedules, budgets. PURE."""
