"""The functions of each room of the database as typed calls: one line of SQL a function."""
