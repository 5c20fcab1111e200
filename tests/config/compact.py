"""The compact form of escalation, as somebody first writes it."""

COMPACT = """
escalation:
  tiers:
    - name: on_call
      response_time_minutes: 15
      contacts:
        - {type: slack, channel: "#incidents"}
        - {type: pagerduty, service: primary}
      escalate_after: 30
    - name: team_lead
      response_time_minutes: 60
      contacts: [{type: slack, user: "{{team_lead_id}}"}]
      escalate_after: 120
    - name: manager
      response_time_minutes: 30
      contacts: [{type: email, address: "{{manager_email}}"}]
      escalate_after: 60
severity_rules:
  SEV1: {auto_escalate: true, create_war_room: true, notify_stakeholders: true}
  SEV2: {auto_escalate: true, create_war_room: false, notify_stakeholders: false}
  SEV3: {auto_escalate: false, create_war_room: false, notify_stakeholders: false}
  SEV4: {auto_escalate: false, create_war_room: false, notify_stakeholders: false}
"""
FILLED = f"variables: {{team_lead_id: U1, manager_email: boss@example.org}}\n{COMPACT}"
