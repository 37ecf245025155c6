"""How the desk's queues are: what readiness and `doctor` look at."""

from django.db.models.functions import Greatest

from fte_project.health import Finding, State, longest_wait
from fte_project.models import DeadLetter
from tickets.models import Conversation, Delivery


def due_conversations() -> float:
    """Seconds that the oldest conversation has waited for the assistant without being in a worker's hands."""
    return longest_wait(Conversation.objects.all().due().free(), Greatest("work_due_at", "lease_expires_at"))


def due_deliveries() -> float:
    """Seconds that the oldest reply has waited to be sent, or looked up, without being in a process's hands."""
    return max(
        longest_wait(Delivery.objects.all().due().free(), Greatest("due_at", "lease_expires_at")),
        longest_wait(Delivery.objects.all().doubtful().free(), Greatest("look_up_at", "lease_expires_at")),
    )


def dead_letters() -> Finding:
    """Work that was given up and waits for a person; it has been escalated, so nothing is broken."""
    count = DeadLetter.objects.filter(replayed_at=None).count()
    return State.OK, f"{count} not replayed (System, Dead letters in the admin)." if count else "None."


def unknown_deliveries() -> Finding:
    """Ambiguous sends: some are looked up at the provider, the others are for people to decide."""
    unknown = Delivery.objects.filter(status=Delivery.Status.UNKNOWN)
    asking = unknown.filter(look_up_at__isnull=False).count()
    deciding = unknown.filter(look_up_at=None).count()
    if not asking + deciding:
        return State.OK, "None."
    return State.OK, f"{asking} are being looked up at the provider, {deciding} wait for a person's decision."
