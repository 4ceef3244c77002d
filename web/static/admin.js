// The back office works without scripts; these only help.
