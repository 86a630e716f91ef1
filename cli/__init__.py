"""The command `reelq`: one file a noun, each a few lines around functions of the database."""
