"""Where finished objects lie: a local folder or S3, behind one interface (see base.Store)."""
