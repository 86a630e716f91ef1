"""Upkeep: what keeps the database in shape. tasks.py says what each task does, run.py does those that are due.

To add one: a function in a module of this package, a line in TASKS (tasks.py), a line in sql/data/ops_upkeep_tasks.sql.
"""
