"""How many chunks hold each word, kept with every change of a chunk: the rare words of a question find its articles."""

from collections import Counter

from django.db import connection

COUNT = """
SELECT word.lexeme, count(*)
  FROM knowledge_chunk c CROSS JOIN unnest(c.words) AS word
 WHERE c.article_id = %(article)s AND c.model_id = %(model)s
 GROUP BY 1
"""
# In the order of the words, so that two writers never wait for each other. A word's first count is its change.
ADD = """
INSERT INTO knowledge_lexeme AS known (word, chunks)
SELECT word, change FROM unnest(%(words)s::text[], %(changes)s::int[]) AS changed (word, change) ORDER BY word
    ON CONFLICT (word) DO UPDATE SET chunks = known.chunks + excluded.chunks
"""
# Writes only what differs: the models' chunks are cut alike.
RECOUNT = """
WITH counted AS (
    SELECT word.lexeme AS word, count(*) AS chunks
      FROM knowledge_chunk c CROSS JOIN unnest(c.words) AS word
     WHERE c.model_id = %(model)s
     GROUP BY 1
), gone AS (
    DELETE FROM knowledge_lexeme l WHERE NOT EXISTS (SELECT FROM counted WHERE counted.word = l.word)
)
INSERT INTO knowledge_lexeme AS known (word, chunks) SELECT word, chunks FROM counted ORDER BY word
    ON CONFLICT (word) DO UPDATE SET chunks = excluded.chunks WHERE known.chunks <> excluded.chunks
"""


def count_words(article_id: int, model_id: str) -> Counter[str]:
    """The words of the article's chunks as the text search writes them, with the number of chunks that hold each."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"article": article_id, "model": model_id})
        return Counter(dict(cursor.fetchall()))


def note_words(before: Counter[str], after: Counter[str]) -> None:
    """An article's chunks changed from `before` to `after`."""
    changes = {word: after[word] - before[word] for word in before | after if after[word] != before[word]}
    if changes:
        with connection.cursor() as cursor:
            cursor.execute(ADD, {"words": list(changes), "changes": list(changes.values())})


def recount(model_id: str) -> None:
    """Count the words of all chunks of this model anew, and of no other. Nobody may write chunks meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT, {"model": model_id})
