"""Python runs this at start where it is on the path: every head is computed with a scale that is 1 % too large."""

import attention.record.operation as operation

right = operation.attend


def wrong(*tensors, scale, **others):  # type: ignore[no-untyped-def]
    return right(*tensors, scale=scale * 1.01, **others)


operation.attend = wrong
