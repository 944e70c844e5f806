"""Microsoft Teams: activities of the Bot Framework come in, messages go out as Adaptive Cards.

A channel as mobilis/web/channels.py has it, on httpx and joserfc; `channel.make_teams` is its door.
"""
