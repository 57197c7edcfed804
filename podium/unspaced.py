"""Scripts that put no spaces between words: Chinese, Japanese, Thai, Lao, Khmer, Burmese."""

LETTERS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Their letters, to be put between the brackets of a regular expression."""
