"""How long a run will take, and what of memory and disk: its jobs, what each costs, and how they fit together."""
