"""The incident as a state machine: events in, new state and commands out.

| status            | means                                    | leaves on                           |
|-------------------|------------------------------------------|-------------------------------------|
| investigating     | evidence is being read                   | diagnosed, investigation failed     |
| awaiting_approval | a fix waits for a human's yes            | approved, rejected                  |
| rolling_out       | the fix is on its way, or being verified | verified, taken back, stuck         |
| needs_human       | no safe next step without a person       | another plan, closed by a person    |
| resolved          | the numbers that hurt have recovered     | relapse in its window: investigating|

Acknowledging is beside the status: it stops the escalation ladder and nothing else.
"""
