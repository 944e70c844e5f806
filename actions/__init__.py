"""The custom actions, one flat file per topic. Each reads the turn, calls the library, answers."""
