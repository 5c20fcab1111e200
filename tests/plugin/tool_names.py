"""The tools Steadyhand offers a model, by what they may do."""

READ = ("find_similar_incidents",
    "list_incidents", "get_incident", "get_evidence", "query_logs", "query_metrics", "list_changes",
    "inspect_database", "get_diagnosis", "get_playbook", "get_rollout", "get_report",
    "get_topology", "explain_policy", "get_change", "run_check",
)  # fmt: skip
OWN_STORE = ("open_incident", "submit_hypotheses", "propose_fix", "request_approval", "draft_report")
ACT = ("execute_fix", "abort_rollout", "escalate_incident")
EVERY = (*READ, *OWN_STORE, *ACT)
PREFIX = "mcp__plugin_steadyhand_ir__"
