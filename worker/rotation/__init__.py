"""Keys of secrets over time: made, rotated, counted, forgotten. What a key seals is in worker.secrets, where it is used in rooms.ops.secrets.

The database says which key is current for all hosts; the key file follows it. A key is in the file before the database hears of it, so
that no host seals under a key that could be lost, and stays there until no row uses it.
"""
