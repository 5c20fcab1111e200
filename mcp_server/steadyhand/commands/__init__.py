"""What each `steadyhand` command does; imported only when it is called."""
