"""Where originals come from: http(s), S3, local folders; and which of these are refused."""
