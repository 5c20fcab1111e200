"""The scoreboard: cases with a known answer, who answers them, and how right and how sure they were."""
