"""The project file, ``homeostat.yaml``: one pydantic model per section, and its loader.

``project.py`` is the whole file; read it first. Unknown keys are errors everywhere.
"""
