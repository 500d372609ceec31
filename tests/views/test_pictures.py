"""Pictures of static twins: their colors are those of the page, and no script tells them."""

import io

import pytest
from matplotlib.image import imread
from playwright.sync_api import Browser

from lash_nb.views import SessionGraphView
from tests.views import samples


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_static_picture_follows_the_page_without_a_script(browser: Browser, dark: bool, system: str) -> None:
    """The theme of the notebook counts, not that of the system; where the page has none of its own, that of the system."""
    page = browser.new_page(color_scheme=system)  # type: ignore[arg-type]  # one of the two
    theme = "false" if dark else "true"
    twin = SessionGraphView(samples.station_graph(), title="main").twin_bundle()["text/html"]
    for attribute, is_dark in ((f'data-jp-theme-light="{theme}"', dark), ("", system == "dark")):
        page.set_content(f"<body {attribute}>{twin}")
        picture = page.locator("img").first
        picture.evaluate("(image) => image.decode()")
        corner = imread(io.BytesIO(picture.screenshot()), format="png")[2, 2, 0]

        assert (corner < 0.2) == is_dark
    page.close()
