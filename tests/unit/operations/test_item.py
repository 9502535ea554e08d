"""Items as people type them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.operations.item import Fit, Item

LEFT_PAD = ("npm.package", "left-pad", "1.3.1")
WHEEL = ("python.file", "attrs", "attrs-25.1.0-py3-none-any.whl")
FILE = ("file.file", "images/2026/tool_1.bin")


def fit(item: str, *key: str) -> Fit | None:
    """How an item fits a key, which is given with its type."""
    return Item(item).fit(msgspec.json.encode(list(key)).decode(), key[1:])


@pytest.mark.parametrize(
    ("item", "key", "expected"),
    [
        ("left-pad@1.3.1", LEFT_PAD, Fit.WHOLE),
        ("left-pad==1.3.1", LEFT_PAD, Fit.WHOLE),
        ("left-pad 1.3.1", LEFT_PAD, Fit.WHOLE),
        ('["npm.package","left-pad","1.3.1"]', LEFT_PAD, Fit.WHOLE),
        ("left-pad", LEFT_PAD, Fit.FIELD),
        ("Left_Pad@1.3.1", LEFT_PAD, Fit.ALIKE),
        ("left-pad@1.*", LEFT_PAD, Fit.GLOB),
        ("pad", LEFT_PAD, Fit.PARTS),
        ("left-pad@1.3", LEFT_PAD, None),
        ("@left/pad@1.3.1", LEFT_PAD, None),
        ("@scope/pad@1.0", ("npm.package", "@scope/pad", "1.0"), Fit.WHOLE),
        ("attrs==25.1.0", WHEEL, Fit.NAME_AND_PARTS),
        ("Attrs == 25.1.0", WHEEL, Fit.NAME_AND_PARTS),
        ("attrs-25.1.0-py3-none-any.whl", WHEEL, Fit.FIELD),
        ("attrs-*.whl", WHEEL, Fit.GLOB),
        ("attrs/attrs-25.1.0-py3-none-any.whl", WHEEL, Fit.WHOLE),
        ("images/2026/tool_1.bin", FILE, Fit.WHOLE),
        ("tool_1.bin", FILE, Fit.FIELD),
        ("TOOL-1.bin", FILE, Fit.ALIKE),
        ("images/*", FILE, Fit.GLOB),
        ("tool_2.bin", FILE, None),
        ("", FILE, None),
    ],
)
def test_an_item_fits_as_people_call_things(item: str, key: tuple[str, ...], expected: Fit | None) -> None:
    """Whole, by one field, in another spelling, by name and version, as a pattern, by a part."""
    assert fit(item, *key) == expected
    assert expected is None or Item(item).may_fit(msgspec.json.encode(list(key)).decode())


@pytest.mark.parametrize(
    ("version", "filename"),
    [
        ("1.0", "attrs-1.0.1.tar.gz"),
        ("1.0", "attrs-11.0.tar.gz"),
        ("1.0", "attrs-1.1.0.tar.gz"),
        ("1.0", "attrs-1.0rc1.tar.gz"),
        ("1.0", "attrs-1.0.post1.tar.gz"),
        ("1.0", "attrs-1.0+local.tar.gz"),
    ],
)
def test_a_version_is_not_a_part_of_another(version: str, filename: str) -> None:
    """Who asks for 1.0 is not told of 1.0.1."""
    assert fit(f"attrs=={version}", "python.file", "attrs", filename) is None
    assert fit(f"attrs=={version}", "python.file", "attrs", f"attrs-{version}.tar.gz") is Fit.NAME_AND_PARTS


def test_a_name_goes_before_a_part_of_one() -> None:
    """`attrs` means the project of that name, not what another is called after it."""
    plain = fit("attrs==1.0", "python.file", "attrs", "attrs-1.0.tar.gz")
    other = fit("attrs==1.0", "python.file", "attrs-strict", "attrs_strict-1.0.tar.gz")

    assert plain is not None
    assert other is None or plain < other


@given(
    st.lists(st.text(st.sampled_from('aB1-_./@ :="\\*?[]\n\u0130\xdf'), max_size=5), min_size=1, max_size=3), st.data()
)
def test_what_fits_is_never_passed_over(fields: list[str], data: st.DataObject) -> None:
    """The quick look at the letters of a key says no only where the thorough one does."""
    key = msgspec.json.encode(["t.t", *fields]).decode()
    wholes = [join.join(fields) for join in (" ", "@", "==", "/", ":")]
    text = data.draw(st.sampled_from([*fields, *wholes, key, *(f"{whole[:2]}*" for whole in wholes)]))
    item = Item(data.draw(st.sampled_from([text, text.upper(), text.replace("-", "_")])))

    assert item.may_fit(key) or item.fit(key, fields) is None
