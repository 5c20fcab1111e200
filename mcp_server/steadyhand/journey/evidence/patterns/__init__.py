"""Log lines become kinds of messages: folded, recognised, keyed, mined, compared."""
