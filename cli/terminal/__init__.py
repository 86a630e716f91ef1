"""What people see: the only prints, tables, live screens."""
