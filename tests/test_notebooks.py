"""The notebooks run from top to bottom, and are kept without their outputs."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

# Nothing of the notebook before is left but the libraries that it loaded.
FRESH = "%reset -f"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], None]]:
    """Runs a notebook from top to bottom.

    One kernel for all, since loading the libraries is half of what a notebook takes.
    """
    folder = tmp_path_factory.mktemp("kernel")
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        # The kernel's client is not ours to mend.
        warnings.simplefilter("ignore")
        import nbformat
        from jupyter_client.manager import AsyncKernelManager
        from nbclient import NotebookClient

        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder))
        patch.setenv("TMPDIR", str(folder))
        patch.setenv("WFM_HOME", str(folder / "home"))
        patch.setenv("PYTHONWARNINGS", os.environ.get("PYTHONWARNINGS", "ignore"))
        loop = asyncio.new_event_loop()
        kernel = AsyncKernelManager(kernel_name="python3")
        loop.run_until_complete(kernel.start_kernel(cwd=str(NOTEBOOKS[0].parent)))

        def from_top_to_bottom(file: Path) -> None:
            notebook = nbformat.read(file, as_version=4)
            notebook.cells.insert(0, nbformat.v4.new_code_cell(FRESH))
            client = NotebookClient(notebook, km=kernel, timeout=300)
            try:
                loop.run_until_complete(client.async_execute())
            finally:
                # It leaves a kernel that it was given alone, and its own sockets to it open.
                client.kc.stop_channels()

        yield from_top_to_bottom
        loop.run_until_complete(kernel.shutdown_kernel(now=True))
        loop.close()


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_kept_without_outputs(file: Path):
    import nbformat

    cells = nbformat.read(file, as_version=4).cells
    assert [c for c in cells if c.cell_type == "code" and (c.outputs or c.execution_count)] == []


@pytest.mark.slow
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs(file: Path, run: Callable[[Path], None]):
    run(file)
