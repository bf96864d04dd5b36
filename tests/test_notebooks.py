"""The notebooks run from top to bottom, and are kept without their outputs."""

from __future__ import annotations

import asyncio
import os
import warnings
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_kept_without_outputs(file: Path):
    import nbformat

    cells = nbformat.read(file, as_version=4).cells
    assert [c for c in cells if c.cell_type == "code" and (c.outputs or c.execution_count)] == []


@pytest.mark.slow
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with warnings.catch_warnings():
        # The kernel's client is not ours to mend.
        warnings.simplefilter("ignore")
        import nbformat
        from nbclient import NotebookClient

        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setenv("PYTHONWARNINGS", os.environ.get("PYTHONWARNINGS", "ignore"))
        client = NotebookClient(
            nbformat.read(file, as_version=4),
            timeout=300,
            kernel_name="python3",
            resources={"metadata": {"path": str(file.parent)}},
        )
        asyncio.run(client.async_execute())
