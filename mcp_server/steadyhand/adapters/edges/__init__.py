"""Who was seen to call whom."""
