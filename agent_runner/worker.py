"""The agent role: claim a conversation, think, judge, store. Each step is a plain function; this is their order."""

import asyncio
import functools
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from agent_runner.asking_back import which_one
from agent_runner.assistant import MISBEHAVED, Usage, asking, assist, spent
from agent_runner.closings import closing_languages
from agent_runner.context import RunContext
from agent_runner.faults import Rejected, words_of
from agent_runner.frame import Frame, framed, framed_fixed, source
from agent_runner.gate import MODEL_SURE_FROM, Kind, Limits, Verdict, judge
from agent_runner.history import earlier_contact
from agent_runner.language import sure_language
from agent_runner.learning import unlearn
from agent_runner.metrics import count_runs
from agent_runner.models import AgentRun
from agent_runner.mood import feel_messages, store_moods, unhappier
from agent_runner.prompts import PROMPT_VERSION
from agent_runner.provider import NotYet, Unreachable
from agent_runner.rules import decide
from agent_runner.spending import cost_usd
from agent_runner.support import unsupported
from fte_project.crash import crash
from fte_project.db import LeaseLost, aside, held_lease, insist, is_away, unit_of_work
from fte_project.events import MessageReceived, RunFinished, inbound_topics, publish
from fte_project.inbox import OVERDUE, work_through
from fte_project.logs import said
from fte_project.roles import together
from knowledge.search import Hit
from tickets.escalations import HandOver, escalate
from tickets.models import ChannelSettings, Conversation, Message, Ticket
from tickets.reasons import Reason, Urgency
from tickets.record import ASSISTANT
from tickets.replies import reply
from tickets.work import Result, Work, claim, finish, place_in_line, postpone, release, renew, retry

log = structlog.get_logger()
ROUNDS = 3  # a newer message makes it think again, at most twice
SUGGESTIONS = 3
ALSO = 2
ALSO_FROM = 0.06  # confidence: what has some chance beside an article that leads
LOOK_AGAIN_SECONDS = 60.0


@dataclass(kw_only=True)
class Run:
    """One pass: its context, what it cost, and what was decided."""

    context: RunContext
    started_at: datetime
    verdict: Verdict | None = None
    usage: Usage = field(default_factory=lambda: Usage(model=""))
    error: str = ""


async def answer(conversation_id: int) -> None:
    """Answer everything unanswered in the conversation, or hand it over; nothing when it is not due or not ours.

    Failures become a later try (DESIGN rule 2); only a stopping process or a lost database raises.
    """
    work = await unit_of_work(claim)(conversation_id)
    if work is None:
        return
    under_way: list[Run] = []
    try:
        async with (
            asyncio.timeout(settings.RUN_DEADLINE_SECONDS) as limit,
            held_lease(lambda: aside(renew)(work)),
        ):
            for number in range(1, ROUNDS + 1):
                is_final = number == ROUNDS
                if await _one_pass(work, under_way, until=limit.when(), final=is_final) != Result.NEWER_MESSAGE:
                    break
    except asyncio.CancelledError:
        await unit_of_work(release)(work)
        raise
    except NotYet as error:
        await unit_of_work(_postponed)(work, under_way, error)
    except Exception as error:
        if is_away(error):  # no fault of this conversation: free as soon as the database is back, and no try is lost
            await insist(unit_of_work(release), work)
            raise
        # Whatever went wrong, the row stays the queue: a later try, or after the last one a person.
        log.warning("run_failed", conversation=conversation_id, error=error)
        await unit_of_work(_failed)(work, under_way, error)


def _failed(work: Work, under_way: list[Run], error: Exception) -> None:
    """Record the pass that was under way, and let the work be tried again unless it is somebody else's by now."""
    is_lost = isinstance(error, LeaseLost)
    for run in under_way:
        run.error = words_of(error)[:2000]
        record_discarded(run, work, AgentRun.Outcome.LEASE_LOST if is_lost else AgentRun.Outcome.FAILED)
    if not is_lost:
        with suppress(LeaseLost):
            retry(work, said(error))


def _postponed(work: Work, under_way: list[Run], why: NotYet) -> None:
    """Let the work wait for its turn behind those who have waited longer. That is no failure and no try."""
    for run in under_way:
        if why.is_refusal or run.usage.model_calls:
            run.error = str(why)
            record_discarded(run, work, AgentRun.Outcome.POSTPONED)
    in_line = why.seconds + why.spacing * place_in_line(work.conversation_id)
    # Far ahead nobody knows the pace, so those who are far behind look again in time.
    seconds = min(in_line, max(LOOK_AGAIN_SECONDS, in_line / 2)) * random.uniform(0.95, 1.0)  # noqa: S311 (jitter)
    with suppress(LeaseLost):
        postpone(work, timedelta(seconds=seconds))
    log.info("run_postponed", conversation=work.conversation_id, seconds=round(seconds, 1))


async def _one_pass(work: Work, under_way: list[Run], *, until: float | None, final: bool) -> Result:
    run = await unit_of_work(open_run)(work)
    if run is None:
        return await unit_of_work(finish)(work, [], lambda _: None)
    under_way.append(run)
    await think(run, until)
    await unit_of_work(feel_messages)(run.context)  # for staff, whatever decided
    crash("run_decided")
    store = functools.partial(_store, run=run, attempt=work.attempts)
    result = await unit_of_work(finish)(work, list(run.context.message_ids), store, even_if_newer=final)
    under_way.clear()
    if result != Result.STORED:
        await unit_of_work(record_discarded)(run, work, AgentRun.Outcome(result.value))
    log.info("run_finished", ticket=run.context.reference, result=result, verdict=run.verdict and run.verdict.kind)
    return result


def open_run(work: Work) -> Run | None:
    """What is unanswered now, as a run's context; None when nothing is."""
    ticket = Ticket.objects.select_related("conversation").get(pk=work.ticket_id)
    messages = list(ticket.messages.all().unanswered())
    if not messages:
        return None
    unlearn([ticket])  # what it taught did not settle it, or this is a new matter: it must not lead itself
    context = context_of(ticket, messages)
    if context.language:  # known from here on, whatever becomes of the run: also a text about its failure is in it
        ticket.messages.filter(pk__in=context.message_ids).update(language=context.language)
    return Run(started_at=timezone.now(), context=context)


def context_of(ticket: Ticket, messages: Sequence[Message]) -> RunContext:
    """What a run over these messages of the ticket knows; without any, over the ticket alone."""
    conversation = ticket.conversation
    channel = messages[-1].channel if messages else ticket.channel
    question = "\n\n".join(m.body for m in messages)
    first = ticket.messages.filter(direction=Message.Direction.INBOUND).first()
    return RunContext(
        conversation_id=conversation.pk,
        ticket_id=ticket.pk,
        reference=ticket.reference,
        channel=channel,
        customer_id=conversation.customer_id,
        customer_name=conversation.name,
        subject=ticket.subject,
        question=question,
        priority=ticket.priority,
        category=ticket.category,
        max_words=ChannelSettings.of(channel).max_words,
        language=_language(ticket, question),
        message_ids=tuple(m.pk for m in messages),
        is_opening=first in messages,
        asked_at=messages[-1].received_at if messages else None,
    )


def _language(ticket: Ticket, question: str) -> str:
    """Of the words; where they are too few, that of earlier ones or with the subject; empty when nothing is sure."""
    said = ticket.messages.filter(direction=Message.Direction.INBOUND).exclude(language="")
    earlier = said.values_list("language", flat=True).last() or ""
    thanks = closing_languages(question)  # two words of thanks are too few to be sure of otherwise
    if (sure := sure_language(question)) or (thanks and earlier not in thanks):
        return sure or thanks[0]
    return earlier or sure_language(f"{ticket.subject}\n{question}")


async def think(run: Run, until: float | None = None) -> None:
    """The rules, the assistant, the gate: leaves the verdict in `run`, before `until` (the event loop's clock).

    Raises NotYet when the model may not be asked now, others when it is away; `run` knows what was used till then.
    """
    context = run.context
    run.verdict = await unit_of_work(decide)(context)
    if run.verdict is not None:
        return
    asked = asking(until=until)
    try:
        await asked.check()
        await assist(context, asked)
    except MISBEHAVED as error:
        run.error = repr(error)[:2000]
        run.verdict = _failure(f"the model ended with {type(error).__name__}")
    except (Unreachable, Rejected) as error:
        run.error = str(error)[:2000]  # not what caused it: a refused key is quoted there
        run.verdict = _failure(str(error))
    else:
        run.verdict = await aside(proposed)(context)  # the gate reads with a model: not on the event loop
        if run.verdict.kind in {Kind.ANSWER, Kind.SUGGEST}:
            run.verdict = await unit_of_work(which_one)(context) or run.verdict
        if run.verdict.kind == Kind.ANSWER:
            run.verdict = await unit_of_work(unhappier)(context) or run.verdict
    finally:
        run.usage = spent(asked)


def _failure(finding: str) -> Verdict:
    """People take over, because to try again would end the same."""
    return Verdict(kind=Kind.HAND_OVER, reason=Reason.TOOL_FAILURE, findings=(finding,))


def proposed(context: RunContext) -> Verdict:
    """What comes of what the model proposed."""
    if context.hand_over is not None:
        return Verdict(
            kind=Kind.HAND_OVER,
            reason=Reason(context.hand_over.reason),
            findings=("the model",),
            urgency=Urgency(context.hand_over.urgency),
        )
    assert context.draft is not None  # must_end() saw to it
    return judge(context.draft, context.hits, limits_of(context))


def limits_of(context: RunContext) -> Limits:
    """What the run's channel and what it found allow an answer to be."""
    hosts = {urlsplit(settings.PUBLIC_BASE_URL).hostname} | {urlsplit(h.url).hostname for h in context.hits.values()}
    # The local model says how sure the search is, another one how sure it is itself.
    sure = [found.answer_from for found in context.found] if not settings.OPENAI_API_KEY else []
    return Limits(
        max_words=context.max_words,
        link_hosts=frozenset(h for h in hosts if h),
        question=f"{context.subject}\n{context.question}",
        # One uncertain search is enough: what it found may be cited.
        is_certain=not any(found.words_only for found in context.found),
        is_calibrated=all(found.is_calibrated for found in context.found),
        is_clear=any(found.is_clear for found in context.found),
        answer_from=max(sure, default=MODEL_SURE_FROM),
        may_suggest=any(found.may_suggest for found in context.found),
        reference=context.reference,
    )


def _store(ticket: Ticket, *, run: Run, attempt: int) -> None:
    """Store the reply or the escalation with the run that made it, in the caller's transaction."""
    context, verdict = run.context, run.verdict
    stored: Message | None
    if verdict and verdict.text:
        body = framed_fixed(verdict.text, _frame(context, context.language))
        stored = reply(ticket, body=body, kind=verdict.text_kind, answers=context.message_ids)
    elif verdict and verdict.kind == Kind.ANSWER and context.draft is not None:
        stored = _answer(ticket, context)
    else:
        escalation = escalate(ticket, _hand_over(run), actor=ASSISTANT, answers=context.message_ids)
        stored = Message.objects.filter(answers__in=context.message_ids, ticket=escalation.ticket).last()
    store_moods(context)
    _record(run, attempt, AgentRun.Outcome.STORED, stored)


def _answer(ticket: Ticket, context: RunContext) -> Message:
    draft = context.draft
    assert draft is not None
    cited, also = draft.cited(context.hits), see_also(context)
    return reply(
        ticket,
        body=framed(draft.message, cited, _frame(context, draft.language), also),
        kind=Message.Kind.ANSWER,
        sources=[*(source(hit, passage=True) for hit in cited), *(source(hit, passage=False) for hit in also)],
        answers=context.message_ids,
    )


def see_also(context: RunContext) -> list[Hit]:
    """At most two other articles that may be what the customer meant."""
    assert context.draft is not None
    cited = {hit.article_id for hit in context.draft.cited(context.hits)}
    return [hit for hit in context.hits.values() if hit.article_id not in cited and hit.confidence >= ALSO_FROM][:ALSO]


def _frame(context: RunContext, language: str) -> Frame:
    return Frame(
        channel=context.channel,
        language=language,
        customer_name=context.customer_name,
        reference=context.reference,
        signature=ChannelSettings.of(context.channel).signature,
        earlier=earlier_contact(context.conversation_id),
    )


def _hand_over(run: Run) -> HandOver:
    context, verdict = run.context, run.verdict
    assert verdict is not None  # think() leaves one
    is_suggested, is_draft = verdict.kind == Kind.SUGGEST, verdict.kind == Kind.DRAFT
    draft = context.draft
    hits = list(context.hits.values())
    return HandOver(
        reason=verdict.reason or Reason.LOW_CONFIDENCE,
        urgency=verdict.urgency,
        detail="; ".join(verdict.findings),
        suggestions=tuple(source(h, passage=False) for h in hits[:SUGGESTIONS]) if is_suggested else (),
        draft=draft.message if draft and (is_draft or is_suggested) else "",
        draft_sources=tuple(source(hit, passage=True) for hit in draft.cited(context.hits))
        if draft and (is_draft or is_suggested)
        else (),
    )


def record_discarded(run: Run, work: Work, outcome: AgentRun.Outcome) -> None:
    """Keep a pass whose result was not stored: late answers are discarded and recorded as such.

    One that was stored after all (its commit was not heard of) keeps the record it has.
    """
    with suppress(IntegrityError), transaction.atomic():
        _record(run, work.attempts, outcome, None)


def _record(run: Run, attempt: int, outcome: AgentRun.Outcome, stored: Message | None) -> None:
    context, draft, verdict = run.context, run.context.draft, run.verdict
    row = AgentRun.objects.create(
        conversation_id=context.conversation_id,
        ticket_id=context.ticket_id,
        reply=stored,
        outcome=outcome,
        verdict=verdict.kind if verdict else "",
        reason=(verdict and verdict.reason) or "",
        findings=list(verdict.findings) if verdict else [],
        attempt=attempt,
        model=run.usage.model,
        prompt_version=PROMPT_VERSION,
        calls=context.calls,
        hits=[{"id": name, **asdict(hit)} for name, hit in context.hits.items()],
        draft=draft.message if draft else "",
        confidence=draft.confidence if draft else None,
        model_calls=run.usage.model_calls,
        input_tokens=run.usage.input_tokens,
        cached_tokens=run.usage.cached_tokens,
        output_tokens=run.usage.output_tokens,
        model_ms=run.usage.model_ms,
        cost_usd=cost_usd(
            input_tokens=run.usage.input_tokens,
            cached_tokens=run.usage.cached_tokens,
            output_tokens=run.usage.output_tokens,
        ),
        error=run.error,
        started_at=run.started_at,
    )
    row.inputs.set(context.message_ids)
    publish(RunFinished(conversation_id=context.conversation_id, run_id=row.pk))


def _warm_up() -> None:
    """Load the models before the first customer waits for them."""
    from knowledge.search import search

    search("warm up")
    unsupported("warm up", ["The gate has its own model."])


def _is_overdue() -> bool:
    return Conversation.objects.all().due().free().filter(work_due_at__lt=Now() - OVERDUE).exists()


async def work(stop: asyncio.Event) -> None:
    """The agent role: answers to customers, and the metrics of the runs."""
    await together(stop, answer_messages(stop), count_runs(stop))


async def answer_messages(stop: asyncio.Event) -> None:
    """Answer what is rung, many conversations at once, until told to stop."""
    warming = asyncio.create_task(aside(_warm_up)())
    await work_through(
        stop,
        group="fte.agent",
        topics=inbound_topics(),
        pick=lambda event: event.conversation_id if isinstance(event, MessageReceived) else None,
        work=answer,
        overdue=_is_overdue,
        at_once=settings.WORKER_CONCURRENCY,
    )
    await asyncio.gather(warming, return_exceptions=True)
