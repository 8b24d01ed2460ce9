"""Which of two readings of a set fits the samples: by facts of single images, never by copies."""
