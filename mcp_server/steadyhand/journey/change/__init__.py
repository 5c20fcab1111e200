"""What somebody or something did to production, and small looks at what it did it to."""
