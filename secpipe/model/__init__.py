"""Values that travel between the stages. Frozen, comparable, standard library only."""
