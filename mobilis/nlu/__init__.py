"""Understanding: Rasa graph components, from a message's text to a decision in its context."""
