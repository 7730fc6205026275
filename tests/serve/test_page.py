"""The page about the server says what the server says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stepcheck import Checker, EngineOptions
from tests.serving import serving
from tests.test_readme import masked

PAGE = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sh\n(.*?)```\n+```json\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs curl and bash")
def test_the_page_s_requests_get_the_answers_that_it_shows() -> None:
    """Each is sent as it stands, to a server with nano; ids, times and digits of rewards differ."""
    assert len(EXAMPLES) == 3
    with serving(Checker("nano", options=EngineOptions(n_threads=1)), evidence="show") as client:
        for command, shown in EXAMPLES:
            asked = command.replace("127.0.0.1:8000", f"127.0.0.1:{client.port}")
            done = subprocess.run(["bash", "-c", asked], capture_output=True, encoding="utf-8", check=True, timeout=30)
            assert hidden(done.stdout) == hidden(shown)


def hidden(text: str) -> str:
    return re.sub(r'pool-\w+|"created": \d+', "…", masked(text))
