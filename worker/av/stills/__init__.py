"""Pictures of a video: the frame that is worth showing, and the poster made of it."""
