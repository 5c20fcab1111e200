import pytest

from steadyhand.lab.releases import BASELINE, RELEASES, Behaviour, Release

TELLING = ("leak", "exhaust", "index", "slow", "bug", "fault", "broken", "scan", "pool size")


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_no_record_gives_the_cause_away(release: Release) -> None:
    told = f"{release.summary} {release.diff} {release.author}".lower()
    assert [word for word in TELLING if word in told] == []


def test_only_the_two_bad_releases_behave_badly() -> None:
    bad = {
        version: (one.behaviour.reserves_coupons, one.behaviour.finds_orders_by_email)
        for version, one in RELEASES.items()
        if one.behaviour.reserves_coupons or one.behaviour.finds_orders_by_email
    }
    assert bad == {"2.14.0": (True, False), "2.15.0": (False, True)}
    assert RELEASES[BASELINE].behaviour == Behaviour()


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_a_diff_counts_its_own_lines(release: Release) -> None:
    for hunk in release.diff.split("\n@@ ")[1:]:
        head, *lines = hunk.rstrip("\n").split("\n")
        old, new = (int(part.split(",")[1]) for part in head.split(" @@")[0].split())
        assert old == sum(line[0] in " -" for line in lines)
        assert new == sum(line[0] in " +" for line in lines)
