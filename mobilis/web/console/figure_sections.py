"""What /console/figures shows of each figure: pictures, and a grid that is their table and file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy.engine import Connection

from mobilis.dates import in_short, local, span
from mobilis.figures import (
    FEWEST,
    Answers,
    Requests,
    Volume,
    answers,
    hand_offs,
    read_bands,
    read_conversations,
    read_funnel,
    read_messages,
    read_missed,
    read_questions,
    read_requests,
)
from mobilis.numbers import percent, whole
from mobilis.periods import LONGEST, Filters, Step, Steps, steps_of
from mobilis.web.charts import NARROW, WIDE, Bars, Columns, draw_bars, draw_columns
from mobilis.web.console.figure_grids import (
    Grid,
    Head,
    Named,
    Row,
    Speech,
    Value,
    ratio,
    rows_of,
    shared,
)

TOP = 10  # questions that are shown; the file has all
DAYS_AT_MOST = 92  # that are shown one by one
FEW_DAYS = 14  # the same, of what is too rare to be shown by day


@dataclass(frozen=True)
class Chart:
    """A picture with its words."""

    id: str
    title: str
    words: str
    legend: tuple[str, ...] = ()
    columns: Columns | None = None
    bars: tuple[tuple[str, Bars], ...] = ()  # the same for a roomy and for a tight place


@dataclass(frozen=True)
class Section:
    """A figure: in `brief`, its one number for the head of the page. With nothing to draw there are
    no charts, and `empty` says so."""

    name: str
    grid: Grid
    brief: str
    charts: tuple[Chart, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    shown: int | None = None  # rows of the grid; none: all

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that the page shows."""
        return self.grid.rows[: self.shown]


class Sections:
    """The sections of a period, in a language; day by day however long it is when `each_day`."""

    def __init__(
        self, speech: Speech, filters: Filters, language: str, each_day: bool = False
    ) -> None:
        self.speech = speech
        self.filters = filters
        self.language = language
        self.word = partial(speech.word, language=language)
        self._each_day = each_day
        self._found: Requests | None = None

    @property
    def period(self) -> str:
        """The days of all this."""
        return self.days(Step(self.filters.since, self.filters.until))

    def read(self, connection: Connection, name: str) -> Section:
        """One of SECTIONS."""
        return SECTIONS[name](self, connection)

    def _steps(self, days_at_most: int) -> Steps:
        return steps_of(self.filters, LONGEST if self._each_day else days_at_most)

    def _requests(self, connection: Connection) -> Requests:
        """The requests to staff, which two figures are made of and which are read once."""
        if self._found is None:
            self._found = read_requests(connection, self.filters)
        return self._found

    def conversations(self, connection: Connection) -> Section:
        """Conversations by day."""
        return self._volume(
            "conversations", read_conversations(connection, self.filters, self._steps(DAYS_AT_MOST))
        )

    def messages(self, connection: Connection) -> Section:
        """Messages by day."""
        return self._volume(
            "messages", read_messages(connection, self.filters, self._steps(DAYS_AT_MOST))
        )

    def _volume(self, name: str, volume: Volume) -> Section:
        languages = {f"language_{key}": counts for key, counts in volume.languages.items()}
        channels = {f"channel_{key}": counts for key, counts in volume.channels.items()}
        parts = {**languages, **channels}
        total = sum(volume.total)
        grid = Grid(
            ("days", "total", *parts),
            rows_of(volume.steps, volume.total, *parts.values()),
        )
        charts: tuple[Chart, ...] = ()
        if total:
            charts = (self._over_time(name, "by_language", volume.steps, languages),)
            if len(channels) > 1:
                charts += (self._over_time(name, "by_channel", volume.steps, channels),)
        return Section(name, grid, self.whole(total), charts)

    def _over_time(
        self, name: str, what: str, steps: Steps, series: Mapping[str, Sequence[int]]
    ) -> Chart:
        totals = [sum(values) for values in zip(*series.values(), strict=True)]
        titles = [
            self._sentence(step, {key: self.whole(values[at]) for key, values in series.items()})
            for at, step in enumerate(steps)
        ]
        most = max(totals)
        words = self.word(
            "columns_words",
            total=self.whole(sum(totals)),
            days=self.period,
            most=self.whole(most),
            when=self.days(steps[totals.index(most)]),
        )
        return Chart(
            f"{name}-{what}",
            self.word(f"chart_{name}_{what}"),
            words,
            tuple(self.speech.column(key, self.language) for key in series),
            columns=draw_columns(
                list(series.values()), titles, self._labels(steps), lambda n: self.whole(int(n))
            ),
        )

    def _labels(self, steps: Steps) -> list[str]:
        return [in_short(step.first, self.language) for step in steps]

    def _sentence(self, step: Step, values: Mapping[str, str]) -> str:
        """A column in words."""
        said = [
            self.word("pair", name=self.speech.column(key, self.language), value=value)
            for key, value in values.items()
        ]
        return self.word("pair", name=self.days(step), value=", ".join(said))

    def funnel(self, connection: Connection) -> Section:
        """The self-assessment, question by question."""
        questions = [question.id for question in self.speech.assessment.questions]
        funnel = read_funnel(connection, self.filters, questions)
        steps = {
            Named("stage", "started"): funnel.started,
            **{Named("question", key): n for key, n in funnel.reached.items()},
            Named("stage", "finished"): funnel.finished,
        }
        brief = self._share(funnel.finished, funnel.started)
        notes: tuple[str, ...] = ()
        if funnel.early:
            notes = (self.word("funnel_early", count=self.whole(funnel.early)),)
        return self._compared("funnel", steps, funnel.started, brief, notes)

    def bands(self, connection: Connection) -> Section:
        """The results of finished self-assessments."""
        found = read_bands(connection, self.filters, list(self.speech.assessment.bands))
        total = sum(found.values())
        values = {Named("band", key): n for key, n in found.items()}
        return self._compared("bands", values, total, self.whole(total))

    def questions(self, connection: Connection) -> Section:
        """The questions that were answered most."""
        found = read_questions(connection, self.filters)
        total = sum(found.values())
        values = {Named("faq", key): n for key, n in found.items()}
        notes: tuple[str, ...] = ()
        if len(found) > TOP:
            more = {"count": self.whole(len(found) - TOP), "all": self.whole(total)}
            notes = (self.word("questions_more", **more),)
        return self._compared("questions", values, total, self.whole(total), notes, TOP)

    def _compared(
        self,
        name: str,
        values: Mapping[Named, int],
        of: int,
        brief: str,
        notes: tuple[str, ...] = (),
        shown: int | None = None,
    ) -> Section:
        """Counts beside each other, each with its share `of` all."""
        rows = shared(values, of)
        grid = Grid((name, "count", "share"), rows)
        charts = (self._bars(name, dict([*values.items()][:shown]), of),) if of else ()
        return Section(name, grid, brief, charts, notes=notes, shown=shown)

    def _bars(self, name: str, values: Mapping[Named, int], of: int) -> Chart:
        titles = [self.speech.name(named, self.language) for named in values]
        written = [
            self.word("count_share", count=self.whole(n), share=self.percent(n / of))
            for n in values.values()
        ]
        said = (
            self.word("bar_words", name=one, value=value)
            for one, value in zip(titles, written, strict=True)
        )
        drawn = [*values.values()], titles, written
        bars = {"roomy": draw_bars(*drawn, WIDE), "tight": draw_bars(*drawn, NARROW)}
        return Chart(name, self.word(f"chart_{name}"), " ".join(said), bars=tuple(bars.items()))

    def missed(self, connection: Connection) -> Section:
        """What was not understood, of what was typed."""
        missed = read_missed(connection, self.filters, self._steps(FEW_DAYS))
        lost = [ratio(n, of) for n, of in zip(missed.lost, missed.typed, strict=True)]
        asked = [ratio(n, of) for n, of in zip(missed.clarified, missed.typed, strict=True)]
        names = ("days", "typed", "lost", "lost_share", "clarified", "clarified_share")
        counted = (missed.typed, missed.lost, lost, missed.clarified, asked)
        grid = Grid(names, rows_of(missed.steps, *counted))
        brief = self._share(sum(missed.lost), sum(missed.typed))
        charts = (self._rates(missed.steps, lost, asked),) if sum(missed.typed) else ()
        return Section("missed", grid, brief, charts)

    def _rates(
        self, steps: Steps, lost: Sequence[float | None], asked: Sequence[float | None]
    ) -> Chart:
        series = {"lost": lost, "clarified": asked}
        titles = []
        for at, step in enumerate(steps):
            values = {key: self.percent(rates[at]) for key, rates in series.items()}
            titles.append(self._sentence(step, values))
        told = [rate for rate in lost if rate is not None]
        words = self.word(
            "missed_words", least=self.percent(min(told)), most=self.percent(max(told))
        )
        hundredths = [[100 * (rate or 0) for rate in rates] for rates in series.values()]
        return Chart(
            "missed",
            self.word("chart_missed"),
            words,
            tuple(self.speech.column(key, self.language) for key in series),
            columns=draw_columns(
                hundredths, titles, self._labels(steps), lambda n: self.percent(n / 100)
            ),
        )

    def answers(self, connection: Connection) -> Section:
        """The time to the first answer of a person."""
        found = answers(self._requests(connection))
        asked = {
            Named("asked", "asked"): found.asked,
            Named("asked", "answered"): found.answered,
            Named("asked", "waiting"): found.waiting,
            Named("asked", "unanswered"): found.unanswered,
        }
        within = {Named("within", key): n for key, n in found.within.items()}
        rows = (*shared(asked, found.asked), *shared(within, found.answered), *_times(found))
        grid = Grid(("answers", "count", "share"), rows)
        charts = (self._bars("answers", within, found.answered),) if found.answered else ()
        brief = self._duration(found.median) if found.median else self.word("unknown")
        notes = tuple(self._about_answers(found))
        return Section("answers", grid, brief, charts, tuple(self._facts(found)), notes)

    def _facts(self, found: Answers) -> Iterator[tuple[str, str]]:
        if found.median is not None and found.ninth is not None and found.in_a_day is not None:
            yield self.word("fact_median"), self._duration(found.median)
            yield self.word("fact_ninth"), self._duration(found.ninth)
            yield self.word("fact_in_a_day"), self.percent(found.in_a_day)

    def _about_answers(self, found: Answers) -> Iterator[str]:
        if found.answered and found.median is None:
            yield self.word("answers_few", count=self.whole(found.answered), fewest=FEWEST)
        if found.waiting_since is not None:
            since = local(found.waiting_since, self.language)
            yield self.word("answers_waiting", count=self.whole(found.waiting), since=since)
        if found.unanswered:
            yield self.word("answers_unanswered", count=self.whole(found.unanswered))

    def hand_offs(self, connection: Connection) -> Section:
        """What was asked of staff."""
        found = hand_offs(self._requests(connection), self._steps(FEW_DAYS))
        totals = [sum(values) for values in zip(*found.kinds.values(), strict=True)]
        kinds = {f"kind_{key}": counts for key, counts in found.kinds.items()}
        grid = Grid(("days", "total", *kinds), rows_of(found.steps, totals, *kinds.values()))
        charts: tuple[Chart, ...] = ()
        if any(totals):
            charts = (self._over_time("hand_offs", "by_kind", found.steps, kinds),)
        return Section("hand_offs", grid, self.whole(sum(totals)), charts)

    def heading(self, column: str) -> str:
        """What a column is called."""
        return self.speech.column(column, self.language)

    def head(self, head: Head) -> str:
        """What a row is of."""
        if isinstance(head, Step):
            return self.days(head)
        return self.speech.name(head, self.language)

    def cell(self, value: Value) -> str:
        """A value as it is read."""
        return self.whole(value) if isinstance(value, int) else self.percent(value)

    def days(self, step: Step) -> str:
        """Days as they are read."""
        return span(step.first, step.last, self.language)

    def whole(self, count: int) -> str:
        """A number as it is written."""
        return whole(count, self.language)

    def percent(self, share: float | None) -> str:
        """A share as it is written."""
        return self.word("unknown") if share is None else percent(share, self.language)

    def _share(self, part: int, of: int) -> str:
        return self.percent(ratio(part, of))

    def _duration(self, time: timedelta) -> str:
        minutes = _minutes(time)
        if minutes < 60:
            return self.word("minutes", minutes=minutes)
        hours, minutes = divmod(minutes, 60)
        if hours < 48:
            return self.word("hours", hours=hours, minutes=f"{minutes:02}")
        return self.word("days", days=hours // 24, hours=hours % 24)


def _times(found: Answers) -> Iterator[Row]:
    """What is told of the times, in minutes."""
    if found.median is not None and found.ninth is not None:
        yield Named("time", "median"), (_minutes(found.median), None)
        yield Named("time", "ninth"), (_minutes(found.ninth), None)
        yield Named("time", "in_a_day"), (None, found.in_a_day)


def _minutes(time: timedelta) -> int:
    return round(time.total_seconds() / 60)


SECTIONS: Mapping[str, Callable[[Sections, Connection], Section]] = {
    "conversations": Sections.conversations,
    "messages": Sections.messages,
    "funnel": Sections.funnel,
    "bands": Sections.bands,
    "questions": Sections.questions,
    "missed": Sections.missed,
    "answers": Sections.answers,
    "hand_offs": Sections.hand_offs,
}
