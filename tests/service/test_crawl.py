"""A crawler with several logins and prefixes sees a bounded number, whatever it does."""

from __future__ import annotations

import pytest

from bonafides.access.budgets import DEFAULTS, Payer
from scripts.trust.crawl import crawl, figures
from scripts.trust.extent import QUICK

SMALL = QUICK.crawled


@pytest.mark.feature("D8")
def test_crawler_sees_two_days_budgets_at_most_and_nobody_else_is_refused(
    database_url: str,
) -> None:
    report = crawl(SMALL, url=database_url)
    of = {payer: limit.enterprises for payer, limit in DEFAULTS.items()}
    a_day = SMALL.accounts * of[Payer.MEMBER] + SMALL.prefixes * of[Payer.ANONYMOUS]
    assert a_day < len(report.seen) <= 2 * a_day
    assert report.asked.total() > 300
    assert report.refused.total() == 0
    told = {figure.name: figure for figure in figures(report)}
    assert told["crawl.seen"].holds
    assert told["crawl.refused"].holds
    assert told["crawl.enterprises"].value == len(report.seen)
