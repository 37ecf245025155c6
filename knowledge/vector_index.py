"""Which vectors have an index, and what a search sets to use it: none yet."""

from django.db.backends.utils import CursorWrapper


def index_settings(cursor: CursorWrapper, model_id: str) -> None:
    """Let the rest of this transaction search the model's vectors through their indexes."""
