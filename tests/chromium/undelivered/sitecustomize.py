"""Python runs this at start where it is on the path: modules come one by one, as where nobody may write."""

import attention.delivery

attention.delivery.deliver = lambda *_: False  # type: ignore[assignment]
