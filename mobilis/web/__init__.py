"""The front door: everything of mobilis that faces a network. Start at `app.create_app`."""
