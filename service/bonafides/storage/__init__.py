"""Tables, units of work and the queries of each room."""
