"""Python versions and platforms."""

from __future__ import annotations

import pytest

from entrepot.plugin import ConfigurationError
from entrepot_python.filenames import read_filename
from entrepot_python.targets import parse_targets


@pytest.mark.parametrize(
    ("pythons", "tag", "runs"),
    [
        (["3.11"], "cp311-cp311", True),
        (["3.11"], "cp312-cp312", False),
        (["3.11", "3.12"], "cp312-cp312", True),
        (["3.11"], "cp38-abi3", True),
        (["3.11"], "cp312-abi3", False),
        (["3.11"], "py3-none", True),
        (["3.11"], "py2.py3-none", True),
        (["3.11"], "py2-none", False),
        (["3.11"], "py312-none", False),
        (["3.11"], "cp311-none", True),
        (["3.11"], "pp310-pypy310_pp73", False),
        (["3.13t"], "cp313-cp313t", True),
        (["3.13t"], "cp313-cp313", False),
        (["3.13"], "cp313-cp313t", False),
        (["3.13t"], "cp38-abi3", False),
        (["3.7"], "cp37-cp37m", True),
        (["2.7"], "cp27-cp27mu", True),
    ],
)
def test_a_wheel_runs_on_what_its_tags_say(pythons: list[str], tag: str, runs: bool) -> None:
    """As installers judge it; which Python runs this does not matter."""
    tags = read_filename(f"demo-1-{tag}-linux_x86_64.whl").tags

    assert bool(parse_targets(pythons, []).for_python(tags)) is runs


@pytest.mark.parametrize(
    ("requires", "satisfied"),
    [
        (None, True),
        ("", True),
        (">=3.8", True),
        (">=3.11.4", True),
        ("<3.11.1", True),
        ("!=3.11.*", False),
        (">=3.12", False),
        ("<3.11", False),
        ("~=3.9", True),
        ("nonsense", True),
        (f">={'1' * 5000}", True),
    ],
)
def test_some_release_of_a_series_has_to_satisfy(requires: str | None, satisfied: bool) -> None:
    """Who asks for 3.11 runs one of its releases; what nobody can read keeps nothing away."""
    assert parse_targets(["3.11"], []).satisfy(requires) is satisfied


@pytest.mark.parametrize(
    ("platforms", "platform", "has"),
    [
        (["manylinux_2_28_x86_64"], "manylinux_2_28_x86_64", True),
        (["manylinux_2_28_x86_64"], "manylinux_2_17_x86_64.manylinux2014_x86_64", True),
        (["manylinux_2_28_x86_64"], "manylinux2014_x86_64", True),
        (["manylinux_2_28_x86_64"], "manylinux1_x86_64", True),
        (["manylinux_2_28_x86_64"], "linux_x86_64", True),
        (["manylinux_2_28_x86_64"], "manylinux_2_34_x86_64", False),
        (["manylinux_2_28_x86_64"], "manylinux_2_28_aarch64", False),
        (["manylinux_2_28_x86_64"], "musllinux_1_2_x86_64", False),
        (["manylinux_2_12_x86_64"], "manylinux2014_x86_64", False),
        (["musllinux_1_2_aarch64"], "musllinux_1_1_aarch64", True),
        (["manylinux*_x86_64"], "manylinux_2_34_x86_64", True),
        (["win_amd64"], "win_amd64", True),
        (["win_amd64"], "win32", False),
        (["macosx_14_0_arm64"], "macosx_11_0_arm64", True),
        (["macosx_14_0_arm64"], "macosx_10_9_universal2", True),
        (["macosx_14_0_arm64"], "macosx_15_0_arm64", False),
        (["win_amd64", "macosx_*"], "macosx_15_0_arm64", True),
        (["win_amd64"], "any", True),
    ],
)
def test_a_platform_takes_what_runs_there(platforms: list[str], platform: str, has: bool) -> None:
    """Wheels of an older libc or system too, under all the names they go by."""
    tags = read_filename(f"demo-1-cp311-cp311-{platform}.whl").tags

    assert parse_targets([], platforms).for_platform(tags) is has


@pytest.mark.parametrize(
    ("pythons", "platforms"), [(["3"], []), (["python3.11"], []), (["3.11.4"], []), ([], ["Linux x86"]), ([], [""])]
)
def test_what_is_no_target_is_refused_with_a_remedy(pythons: list[str], platforms: list[str]) -> None:
    """The remedy is what one would write."""
    with pytest.raises(ConfigurationError) as caught:
        parse_targets(pythons, platforms)

    assert caught.value.remedy
