"""The notebook's own words: `%lash` and `%%lash`, a thin shell over the public API."""

from lash_nb.magics._extension import load_ipython_extension, unload_ipython_extension

__all__ = ["load_ipython_extension", "unload_ipython_extension"]
