"""Whose picture is next."""

from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from core.service.turns import Busy, Turns


def _run(work):
    """In a thread of its own: the browser of other tests keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(anyio.run, work).result()


def test_one_picture_waits_for_one_of_each_request_and_not_for_all():
    turns, order = Turns(), []

    async def ask(name, pictures):
        async with turns.request():
            for number in range(pictures):
                async with turns.turn():
                    order.append(f"{name}{number}")
                    await anyio.lowlevel.checkpoint()

    async def both():
        async with anyio.create_task_group() as group:
            group.start_soon(ask, "many", 10)
            await anyio.lowlevel.checkpoint()
            group.start_soon(ask, "one", 1)

    _run(both)
    assert order.index("one0") <= 2
    assert len(order) == 11
    assert turns.waiting == 0


def test_too_many_requests_are_told_so():
    turns = Turns(most_waiting=1)

    async def two():
        async with turns.request():
            with pytest.raises(Busy, match="1 requests"):
                async with turns.request():
                    pass
            assert turns.waiting == 1

    _run(two)
