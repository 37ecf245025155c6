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
# The models' chunks are cut alike: those with the same key have the same words, and mostly only few are left.
MOVE = """
WITH changed AS (
    SELECT c.words, CASE c.model_id WHEN %(after)s THEN 1 ELSE -1 END AS change
      FROM knowledge_chunk c
     WHERE c.model_id IN (%(before)s, %(after)s)
       AND NOT EXISTS (SELECT FROM knowledge_chunk twin
                        WHERE twin.article_id = c.article_id AND twin.key = c.key
                          AND twin.model_id = CASE c.model_id WHEN %(after)s THEN %(before)s ELSE %(after)s END)
), summed AS (
    SELECT word.lexeme AS word, sum(change)::int AS change
      FROM changed CROSS JOIN unnest(words) AS word
     GROUP BY 1
)
INSERT INTO knowledge_lexeme AS known (word, chunks) SELECT word, change FROM summed WHERE change <> 0 ORDER BY word
    ON CONFLICT (word) DO UPDATE SET chunks = known.chunks + excluded.chunks
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


def move_words(before: str, after: str) -> None:
    """Count the chunks of model `after` in place of those of `before`. Nobody may write chunks meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(MOVE, {"before": before, "after": after})
