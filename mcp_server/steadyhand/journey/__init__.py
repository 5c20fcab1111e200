"""The alert's journey, stage by stage, as pure code: values in, verdict out.

Stages in order: `alert` (what fired), `evidence` (what changed, when), `diagnosis` (why),
`remedy` (what would help), `approval` (may we), `rollout` (carefully), `recovery` (did it
help), `report` (what we learned). `escalation` runs beside all of them.
"""
