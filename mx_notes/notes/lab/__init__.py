"""Tools that several experiments share: data, networks, trainings, intervals, figures."""
