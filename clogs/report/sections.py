"""What the page of a report shows, part by part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Chart = Literal["bars", "days", "heat", "line", "lines", "blocks"]

HIGH, MEDIUM = 10, 3
"""Days with an activity that a project of this level has at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page: facts summed up by some columns, as a table and a chart.

    Attributes:
        facts: Of `clogs.report.facts.read_facts`.
        by: What rows are about; they are sorted by `order`, the largest first, or else by these.
        measures: Sums; but ``sessions`` and ``days`` count different ones, ``last_day`` is the latest, and
            ``failed_share`` is a share of the tool calls.
        chart: How the first measure is drawn.
        limit: Rows at most.
    """

    id: str
    title: str
    facts: str
    by: tuple[str, ...]
    measures: tuple[str, ...]
    note: str = ""
    order: str | None = None
    chart: Chart | None = None
    limit: int | None = None


_SESSION = ("session", "title", "project", "user")
SECTIONS = (
    Section(
        id="cost",
        title="Cost per day, by model",
        facts="models",
        by=("day", "model"),
        measures=("cost_usd", "tokens", "cache_savings_usd", "responses"),
        note="List prices in US dollars; what a subscription costs has nothing to do with them.",
        chart="days",
    ),
    Section(
        id="models",
        title="Models",
        facts="models",
        by=("model",),
        measures=("cost_usd", "tokens", "cache_savings_usd", "responses"),
        order="cost_usd",
    ),
    Section(
        id="unpriced",
        title="Models without a price",
        facts="unpriced",
        by=("model",),
        measures=("tokens", "responses"),
        note="Their tokens are in the totals, their cost is in none.",
        order="tokens",
    ),
    Section(
        id="projects",
        title="Projects",
        facts="activity",
        by=("project",),
        measures=("cost_usd", "tokens", "sessions", "prompts", "tool_calls", "days", "last_day"),
        note="Days are those with an activity.",
        order="cost_usd",
        chart="bars",
        limit=25,
    ),
    Section(
        id="users",
        title="Users",
        facts="activity",
        by=("user",),
        measures=("cost_usd", "tokens", "sessions", "prompts", "tool_calls", "days", "last_day"),
        order="cost_usd",
        chart="bars",
        limit=25,
    ),
    Section(
        id="hours",
        title="When prompts are typed",
        facts="prompts",
        by=("weekday", "hour"),
        measures=("prompts",),
        chart="heat",
    ),
    Section(
        id="days",
        title="Sessions over time",
        facts="activity",
        by=("day",),
        measures=("sessions", "prompts", "tool_calls", "cost_usd"),
        note="A bar of a week or a month is the sum of its days.",
        chart="days",
    ),
    Section(
        id="tools",
        title="Tools",
        facts="tools",
        by=("tool",),
        measures=("tool_calls", "failed", "failed_share"),
        order="tool_calls",
        chart="bars",
        limit=25,
    ),
    Section(
        id="errors",
        title="Why tools fail",
        facts="errors",
        by=("tool", "error"),
        measures=("failed",),
        note="The most common error of each tool.",
        order="failed",
    ),
    Section(
        id="times",
        title="How long tools take",
        facts="times",
        by=("tool",),
        measures=("tool_calls", "median_seconds", "p95_seconds"),
        note="From the call to its result, waits for a permission included.",
        order="tool_calls",
        limit=25,
    ),
    Section(
        id="answers",
        title="Time to the first answer",
        facts="answers",
        by=("day",),
        measures=("median_seconds", "p90_seconds", "answers"),
        note="From a prompt to the first part of its answer; of a week or a month, the middle day.",
        chart="line",
    ),
    Section(
        id="dearest",
        title="Dearest sessions",
        facts="sessions",
        by=_SESSION,
        measures=("cost_usd", "prompts", "active_seconds", "duration_seconds"),
        note="By the day they began.",
        order="cost_usd",
        limit=10,
    ),
    Section(
        id="longest",
        title="Longest sessions",
        facts="sessions",
        by=_SESSION,
        measures=("active_seconds", "duration_seconds", "prompts", "cost_usd"),
        note="By their active time, which leaves out gaps above 5 minutes.",
        order="active_seconds",
        limit=10,
    ),
    Section(
        id="categories",
        title="What prompts ask for",
        facts="categories",
        by=("category",),
        measures=("prompts",),
        order="prompts",
        chart="bars",
    ),
    Section(
        id="tasks",
        title="What sessions are for",
        facts="tasks",
        by=("category",),
        measures=("sessions", "median_seconds", "median_prompts", "median_cost_usd"),
        note="By their first prompt. Medians of sessions; seconds are active ones.",
        order="sessions",
    ),
    Section(
        id="code",
        title="Lines changed per day",
        facts="code",
        by=("day",),
        measures=("lines_added", "lines_removed", "changes"),
        chart="lines",
    ),
    Section(
        id="languages",
        title="Languages",
        facts="code",
        by=("language",),
        measures=("lines_added", "lines_removed", "changes"),
        order="lines_added",
        chart="bars",
        limit=25,
    ),
    Section(
        id="files",
        title="Files changed most",
        facts="files",
        by=("file",),
        measures=("changes", "lines_added", "lines_removed"),
        order="changes",
    ),
    Section(
        id="blocks",
        title="Windows of five hours",
        facts="blocks",
        by=("block",),
        measures=("tokens", "cost_usd", "responses"),
        note="The line marks the fullest window so far: your limit is at least that.",
        chart="blocks",
    ),
)
CARDS = Section(
    id="totals",
    title="Totals",
    facts="activity",
    by=(),
    measures=(
        "cost_usd", "tokens", "cache_savings_usd", "sessions", "prompts", "tool_calls", "failed_share",
    ),
)  # fmt: skip
