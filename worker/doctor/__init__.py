"""Is this host fit to work, and is the queue well?"""
