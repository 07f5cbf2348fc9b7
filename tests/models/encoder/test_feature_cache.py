from pathlib import Path

import numpy as np
import pytest

from routoo.models.encoder.feature_cache import FeatureCache

PROMPTS = [[1, 2, 3], [1, 2], [7]]
FEATURES = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    cache = FeatureCache(tmp_path / "kept", 4)
    cache.add(PROMPTS, FEATURES)
    return cache


def test_what_was_added_is_found_in_any_order(cache: FeatureCache) -> None:
    found, missing = cache.find([[7], [9], [1, 2, 3], [7]])
    assert missing.tolist() == [1]
    np.testing.assert_array_equal(found[[0, 2, 3]], FEATURES[[2, 0, 2]])


def test_files_of_several_additions_are_one_cache(cache: FeatureCache) -> None:
    cache.add([[8, 8]], FEATURES[:1] + 1)
    found, missing = cache.find([[8, 8], [1, 2]])
    assert not len(missing)
    np.testing.assert_array_equal(found, [FEATURES[0] + 1, FEATURES[1]])


def test_nothing_is_found_where_nothing_was_added(tmp_path: Path) -> None:
    _, missing = FeatureCache(tmp_path / "none", 4).find(PROMPTS)
    assert missing.tolist() == [0, 1, 2]
    assert FeatureCache(tmp_path / "none", 4).find([])[0].shape == (0, 4)


@pytest.mark.parametrize("place", [0, 5, 30, 100, -1])
def test_a_file_with_one_wrong_byte_is_passed_over(cache: FeatureCache, place: int) -> None:
    (kept,) = cache.folder.iterdir()
    content = bytearray(kept.read_bytes())
    content[place] ^= 0x20
    kept.write_bytes(content)
    assert cache.find(PROMPTS)[1].tolist() == [0, 1, 2]


def test_a_file_that_was_cut_short_is_replaced(cache: FeatureCache) -> None:
    (kept,) = cache.folder.iterdir()
    kept.write_bytes(kept.read_bytes()[:40])
    assert len(cache.find(PROMPTS)[1]) == 3
    cache.add(PROMPTS, FEATURES)
    assert not len(cache.find(PROMPTS)[1])
    assert list(cache.folder.iterdir()) == [kept]
