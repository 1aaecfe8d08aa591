"""Text that looks like something else than the name of a category: numbers as people write them, dates."""

from __future__ import annotations

import re

_CURRENCY = r"(?:[$€£¥₹]|USD|EUR|GBP|CHF|JPY)"
_NUMBER = re.compile(
    rf"[-+−(]?\s*{_CURRENCY}?\s*[-+−]?"
    r"(?:\d{1,3}(?:(?P<group>[ ,.'’\u00a0\u202f])\d{3}(?:(?P=group)\d{3})*)|\d+|(?=[.,]\d))"  # 1,234 or 1'234'567
    r"(?:[.,]\d+)?(?:[eEdD][-+]?\d+)?"
    rf"\s*(?:[%‰]|{_CURRENCY})?\)?"
    r"|[-+]?0[xX][0-9a-fA-F]+"
)
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[aApP]\.?[mM]\.?)?(?:Z|\s?[-+]\d{2}:?\d{2})?"
_DATE = r"(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d{2}))"
_MOMENT = re.compile(rf"{_DATE}(?:[T\s]\s*{_TIME})?|{_TIME}")


def looks_like_number(text: str) -> bool:
    """Whether this is a number with a currency, a percent sign, groups of digits or a comma, or in base 16."""
    return _NUMBER.fullmatch(text) is not None


def looks_like_time(text: str) -> bool:
    """Whether this is a date, a time of the day, or both."""
    return _MOMENT.fullmatch(text) is not None
