"""Questions that many tasks ask one by one, answered together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Together(Generic[Q, A]):
    """Puts what is asked while an answer is under way into the next question, all at once.

    `answers` gives an answer for each question, in order. What it raises is raised to everybody who
    asked with it. Who is cancelled holds up nobody. Used within one event loop.
    """

    def __init__(self, answers: Callable[[Sequence[Q]], Coroutine[Any, Any, Sequence[A]]]) -> None:
        self._answers = answers
        self._asked: list[tuple[Q, asyncio.Future[A]]] = []
        self._answering: asyncio.Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """The answer to one question."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._asked.append((question, answer))
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer())
        return await answer

    async def _answer(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, []
                await self._answer_these(asked)
                # Whoever has an answer now may have the next question: let them come first.
                await asyncio.sleep(0)
        finally:
            self._answering = None
            for _, waiting in self._asked:  # there are some only where the loop ends all its tasks
                waiting.cancel()

    async def _answer_these(self, asked: Sequence[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._answers([question for question, _ in asked])
        except BaseException as error:
            for _, waiting in asked:
                if not waiting.done():
                    waiting.set_exception(error) if isinstance(error, Exception) else waiting.cancel()
            if not isinstance(error, Exception):
                raise
        else:
            for (_, waiting), answer in zip(asked, answers, strict=True):
                if not waiting.done():
                    waiting.set_result(answer)
