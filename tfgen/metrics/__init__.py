"""Metrics: functions of arrays that return numbers."""
