"""Claims jobs from Postgres and does their work: probing, transcoding, moving bytes."""
