"""What ./run needs beside the product: a private Postgres, ffmpeg from a wheel, the demo. Not in the wheel."""
