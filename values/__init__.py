"""The ground floor: money, numbers, dates and periods as a Swedish municipality writes them.

Knows no Django and no text for people. What cannot be read is refused with a code and
parameters (`values.errors.Refused`); the sentence a person reads is written further up.
"""
