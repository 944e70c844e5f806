"""Rasa's side of the wire: the input channel, the tracker store, the base of the actions."""
