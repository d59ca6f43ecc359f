"""`expect` waits for its element before it asks anything of it.

Playwright describes the whole page for the message of a failure each time that it finds no such element yet, or one
that is hidden. To wait for an element describes nothing.
"""

from contextlib import suppress
from typing import Any

from playwright._impl._errors import Error
from playwright._impl.assertions import LocatorAssertions

SEEN = "to.be.visible"
# What is asked of elements that need not be there.
ABSENT = ("to.be.hidden", "to.be.detached", "to.have.count")


def wait_first() -> None:
    """Have every `expect` of this process do so; what never comes it still says itself."""
    ask = LocatorAssertions._call_expect

    async def wait(self: LocatorAssertions, expression: str, options: Any, title: str | None) -> Any:
        if not self._is_not and expression not in ABSENT and not expression.endswith(".array"):
            with suppress(Error):
                state = "visible" if expression == SEEN else "attached"
                await self._actual_locator.wait_for(state=state, timeout=options["timeout"])
        return await ask(self, expression, options, title)

    LocatorAssertions._call_expect = wait
