from django.db import migrations


class Migration(migrations.Migration):
    """Keep vectors beside the rest of their row: a row is about 7 KB and fits into a page of 8.

    Stored out of line, as rows above 2 KB are by default, each vector is four more rows of another table, found through
    its index: comparing with every vector took twice as long.

    What was indexed before is indexed anew: for that, for passages without Markdown's marks, and for the word counts.
    """

    dependencies = [("knowledge", "0005_index_retries")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE knowledge_chunk SET (toast_tuple_target = 8160)",
            "ALTER TABLE knowledge_chunk RESET (toast_tuple_target)",
        ),
        migrations.RunSQL(
            "ALTER TABLE knowledge_questionvector SET (toast_tuple_target = 8160)",
            "ALTER TABLE knowledge_questionvector RESET (toast_tuple_target)",
        ),
        migrations.RunSQL(
            "DELETE FROM knowledge_chunk; DELETE FROM knowledge_lexeme; UPDATE knowledge_article SET indexed_revision = 0",
            migrations.RunSQL.noop,
        ),
    ]
