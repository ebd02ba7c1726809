"""How the tokens that models report compare with our estimate, by model.

Prompts are cut by an estimate. A model that reports more tokens than were estimated, as for a text
in another alphabet or a tokenizer of its own, gets shorter prompts from then on.
"""

_MIN_TOKENS = 200
"""Shorter prompts consist of the chat template for a large part."""
_LOWEST, _HIGHEST = 0.5, 4.0
_WEIGHT = 0.1
"""How much one prompt with fewer tokens than expected counts; one with more counts at once."""


class TokenRatios:
    """Reported tokens per estimated token, learned from answers of this process."""

    def __init__(self) -> None:
        self._ratios: dict[str, float] = {}

    def learn(self, model: str, estimated: int, reported: int) -> None:
        """Take note of the tokens of a prompt."""
        if estimated < _MIN_TOKENS:
            return
        ratio = min(_HIGHEST, max(_LOWEST, reported / estimated))
        before = self._ratios.get(model, 1.0)
        self._ratios[model] = ratio if ratio > before else before + _WEIGHT * (ratio - before)

    def estimated(self, model: str, tokens: int) -> int:
        """Return how many estimated tokens a text may have that the model counts as `tokens`."""
        return int(tokens / self._ratios.get(model, 1.0))
