"""Build the vector indexes that the search needs, now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from knowledge.models import VectorIndex
from knowledge.vector_index import Busy, keep_indexes


class Command(BaseCommand):
    help = (
        "Build, renew or drop the vector indexes of the search, as the number of passages asks for, and measure them. "
        "Exit status: 0, or 1 when one cannot be had; search is exact then."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            indexes = keep_indexes(again=True)
        except Busy as error:
            raise CommandError(str(error)) from error
        for index in indexes:
            self.stdout.write(_said(index))
        if any(index.error for index in indexes):
            raise CommandError("Not every index could be had; search stays exact without one.")


def _said(index: VectorIndex) -> str:
    what = f"{index.get_over_display()} of {index.model_id}"
    if index.error:
        return f"{what}: {index.error}"
    if not index.name:
        return f"{what}: {index.rows}, exact search, no index."
    size = f"{index.lists} lists, {index.probes} probes" if index.lists else f"ef_search {index.probes}"
    return f"{what}: {index.rows}, {index.kind} with {size}, recall@5 {index.recall:.3f}."
