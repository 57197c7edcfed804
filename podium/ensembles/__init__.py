"""Ways to make one prediction of several members' predictions; ``podium.ensemble`` scores them by cross-fitting.

Shapes in all modules: M members, N rows, K classes or values, S figures of a row's text.
"""
