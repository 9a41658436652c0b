"""The benchmark of anchoring measures what it says, on both development nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from medauth.errors import MissingTool
from medauth.evaluation.anchoring_cost import anchoring_costs
from medauth.evaluation.bench import _chain_lines
from medauth.evaluation.development_nodes import development_nodes, hardhat_node

pytestmark = pytest.mark.chain


def test_both_nodes_are_measured_alike() -> None:
    with development_nodes() as nodes:
        assert set(nodes) == {"anvil", "hardhat"}
        found = {node: list(anchoring_costs(node, url, (3, 20))) for node, url in nodes.items()}
    for costs in found.values():
        assert [cost.records for cost in costs] == [1, 3, 20]
        assert all(cost.log_per_s > 0 and cost.log_cpu_us > 0 for cost in costs)
        assert all(cost.mirror_per_s > 0 and cost.mirror_cpu_us > 0 for cost in costs[1:])
        # What ADR 0101 and 0122 say: the price of a checkpoint hardly depends on its size.
        assert 45_000 < costs[0].gas < 55_000
        assert all(65_000 < cost.gas < 100_000 for cost in costs[1:])
    assert found["anvil"][0].gas == found["hardhat"][0].gas


def test_the_table_sets_the_prototype_beside_its_own_measure_alone() -> None:
    with development_nodes() as nodes:
        (single, thousand) = anchoring_costs("anvil", nodes["anvil"], (1_000,))
    lines = _chain_lines(thousand)
    assert [line.goal for line in lines] == ["", "42,000-97,000", ""]
    assert len(_chain_lines(single)) == 2


def test_without_hardhat_its_figures_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingTool, match="no Hardhat"), hardhat_node():
        pass
