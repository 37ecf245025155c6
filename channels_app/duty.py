"""Who of the team is told of new work."""

from django.contrib.auth.models import AnonymousUser, Group, User
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from channels_app.models import StaffDuty

TEAM = ("agent", "lead")


def _in(*groups: str) -> Exists:
    return Exists(Group.objects.filter(name__in=groups, user=OuterRef("pk")))


def team() -> QuerySet[User]:
    """Agents and leads who may log in, by name."""
    return User.objects.filter(_in(*TEAM), is_active=True, is_staff=True).select_related("duty").order_by("username")


def leads() -> QuerySet[User]:
    return team().filter(_in("lead"))


def on_duty(people: QuerySet[User]) -> QuerySet[User]:
    """Those of them who want to be told. Who never said otherwise is on duty."""
    return people.exclude(duty__is_on_duty=False)


def may_change(viewer: User | AnonymousUser, user: User) -> bool:
    """Everybody decides for themselves; leads for all."""
    return viewer.has_perm("tickets.change_ticket") and (
        viewer.pk == user.pk or viewer.has_perm("channels_app.change_staffduty")
    )


def set_duty(user: User, *, is_on_duty: bool) -> None:
    StaffDuty.objects.update_or_create(user=user, defaults={"is_on_duty": is_on_duty, "changed_at": Now()})
