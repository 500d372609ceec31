"""The notebook in which people build, watch and take apart LLM agents."""
