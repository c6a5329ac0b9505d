"""The daemon against a real, unmodified Home Assistant: `python -m tests.real_hub --hub DIR`. Not part of the suite."""
