"""mini-prom: a small in-process scraper with a PromQL subset behind Prometheus' HTTP API.

For the demo only, where no real Prometheus is on the PATH. What it does not cover it refuses by
name; it never guesses a number. Reference for its arithmetic: Prometheus 2.42 (Debian 12).
"""

VERSION = "mini-prom 1 (PromQL subset after Prometheus 2.42)"
