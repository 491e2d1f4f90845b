"""What an author can do wrong: when the game is loaded, and while it is played."""


class GameDefinitionError(Exception):
    """A game cannot be loaded. The text says what is wrong with it, and what would be right."""


class GameMisuse(Exception):
    """A running game used the contract wrongly. The text names no value of its state, so testers may read it."""
