"""What a demo begins with: three people at the desk, the sample knowledge base, and some customers' questions."""

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction

from channels_app.gmail.models import GmailMailbox
from channels_app.simulator.letters import World, letter
from channels_app.web_form.parsing import SubmitIn, submission
from fte_project import embedded
from fte_project.models import ApiKey, Heartbeat
from knowledge.calibrating import calibrate, probes
from knowledge.embeddings import LOCAL_MODEL_ID
from knowledge.indexing import active_model_id, index_waiting
from knowledge.loading import load, read_articles
from knowledge.models import Article
from knowledge.question_files import read_questions
from tickets.intake import receive
from tickets.models import Ticket

LOGINS = ("agent", "editor", "lead")
SAMPLE = settings.BASE_DIR / "knowledge" / "sample"
QUESTIONS = (
    ("Maria Santos", "maria@example.com", "Reset my password", "I forgot my password. How do I get a new one?"),
    ("Jonas Weber", "jonas@example.com", "Import from a CSV file", "How do I import our tasks from a CSV file?"),
    ("Priya Nair", "priya@example.com", "Price for 40 people", "What would it cost per month for 40 people?"),
    ("Tom Baker", "tom@example.com", "Calendar does not update", "I subscribed to the calendar feed in my phone. "
     "How long does it take until a changed due date shows up there?"),
    ("Li Wei", "li@example.com", "I want a person", "Please let me talk to a human, this is about our contract."),
    ("Sara Lind", "sara@example.com", "Dark mode on the phone", "Where do I switch on dark mode in the mobile app?"),
    ("Ahmed Hassan", "ahmed@example.com", "Charged twice", "You charged us twice this month, I want a refund."),
    ("Emma Dubois", "emma@example.com", "Webhook signature", "How can I check that a webhook really comes from you?"),
    ("Noah Cohen", "noah@example.com", "Fax machine", "Can I send a project to a fax machine in our branch office?"),
)  # fmt: skip

MAILS = (
    ("Olga Petrova", "olga@example.com", "Invite guests", "How do I invite a guest who should see one project only?"),
    ("Ben Okoro", "ben@example.com", "Lost phone", "I lost my phone with the authenticator app. How do I sign in now?"),
    ("Yuki Tanaka", "yuki@example.com", "Recurring task", "How do I make a task that comes back every Monday?"),
    ("Carla Rossi", "carla@example.com", "Complaint", "This is the third time it fails, I want to talk to a manager."),
    ("Sam Reed", "sam@example.com", "Discount", "Do you give a discount to schools?"),
)  # fmt: skip


def make_people() -> tuple[str, str]:
    """The three logins with this instance's password, and a service key: (password, key)."""
    password = embedded.local_secret(settings.STATE_DIR, "demo_password")[:10]
    for name in LOGINS:
        user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True, "first_name": name.title()})
        if not user.check_password(password):
            user.set_password(password)
            user.save()
        if not user.email:  # told of escalations: the demo's mails are files
            user.email = f"{name}@example.com"
            user.save(update_fields=["email"])
        user.groups.set(Group.objects.filter(name=name))
    return password, ApiKey.issue("instance", ["read"])


def fill(gmail: dict[str, str], *, empty: bool = False) -> None:
    """Load the sample articles and questions into a new installation; anything there already is left alone.

    `gmail`: the settings of its simulated Gmail, empty without one. The mails are put there, to be read from it.
    """
    Heartbeat.objects.all().delete()  # of an earlier start: readiness must mean this one
    if gmail:  # connected from now on, so that the first mail is none from before
        GmailMailbox.objects.get_or_create(address=gmail["GMAIL_ADDRESS"])
    if empty:
        return
    if not Article.objects.exists():
        load(read_articles(SAMPLE))
        index_waiting()
        if active_model_id() == LOCAL_MODEL_ID:  # another one's questions cost money: doctor says that it is not done
            calibrate(probes(read_questions(SAMPLE.parent / "sample_questions.jsonl")))
    if not Ticket.objects.exists():
        with transaction.atomic():
            for number, (name, email, subject, message) in enumerate(QUESTIONS):
                form = SubmitIn(name=name, email=email, subject=subject, message=message)
                receive(submission(form, key=f"demo-{number}"))
        if gmail:
            world = World(gmail["GMAIL_API_URL"], gmail["GMAIL_ADDRESS"])
            for name, email, subject, text in MAILS:
                world.write(letter(sender=email, name=name, to=gmail["GMAIL_ADDRESS"], subject=subject, text=text))
