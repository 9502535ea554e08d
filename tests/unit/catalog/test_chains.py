"""Chains of what falls: both ends are told, in bounds."""

from __future__ import annotations

import itertools
import random

import pytest

from entrepot.catalog.chains import Chains


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 100])
def test_a_chain_is_told_whole_up_to_eight_links(length: int) -> None:
    """Of a longer one the first seven are told, the last, and how many are between."""
    links = [str(number) for number in range(length + 1)]
    chains = Chains(dict(itertools.pairwise(links)))

    told, left_out = chains.of("0")

    assert len(told) + left_out == len(links)
    assert told == (tuple(links) if length < 8 else (*links[:7], links[-1]))


def test_where_chains_meet_each_is_told_to_its_own_length(dice: random.Random) -> None:
    """Whatever the order in which they are asked for."""
    lacks = {f"{number:05}": f"{number + 1:05}" for number in range(10_000)} | {"branch": "09990", "twig": "branch"}
    chains = Chains(lacks)
    asked = [*lacks]
    dice.shuffle(asked)

    told = {key: chains.of(key) for key in asked}

    assert told["twig"] == (("twig", "branch", *(f"{number:05}" for number in range(9990, 9995)), "10000"), 5)
    assert told["00000"] == ((*(f"{number:05}" for number in range(7)), "10000"), 9_993)
    assert {links[-1] for links, _ in told.values()} == {"10000"}
