"""Small real implementations of every port, for stories, tests and adapter authors."""
