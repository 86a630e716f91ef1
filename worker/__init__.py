"""Claims jobs from Postgres and does their work: probing, transcoding, moving bytes."""

__version__ = "0.2.0"
