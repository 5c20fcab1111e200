import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.adapters.databases.plans import compared_columns, covered, searches
from steadyhand.adapters.databases.statements import mask, plannable
from steadyhand.journey.evidence.model import Index


@pytest.mark.parametrize(
    ("sql", "masked"),
    [
        ("select * from o where email = 'a@x.org' and n = 42", "select * from o where email = ? and n = ?"),
        ("select $1, t1.c2, 1.5e3, -7", "select $1, t1.c2, ?, -?"),
        ("select 'it''s', E'a\\'b', $$x$$, $t$ 'y' $t$", "select ?, ?, ?, ?"),
        ('select "user 1" from "o 2" /* trace=77 */ -- pw', 'select "user 1" from "o 2"'),
        ("insert into s values ('cut off in the mid", "insert into s values (?"),
    ],
)
def test_literals_and_comments_do_not_reach_the_evidence(sql: str, masked: str) -> None:
    assert mask(sql) == masked


@given(st.text(alphabet="secret 1'\"$\\/*-;", max_size=40))
def test_a_quoted_secret_never_survives(noise: str) -> None:
    assert "hunter" not in mask("select 'hunter" + noise.replace("'", "''").replace("\\", "") + "', 1")


@pytest.mark.parametrize(
    ("sql", "fine"),
    [
        ("select 1", True),
        ("/* app */ UPDATE o set a = ';' where b = $1;", True),
        ("delete from o", True),
        ("insert into o values (1)", False),
        ("select 1; drop table o", False),
        ("with x as (delete from o returning 1) select 1", False),
        ("select " + "a, " * 400, False),
        ("select pg_sleep(1)", False),
        ("vacuum", False),
        ("", False),
    ],
)
def test_only_one_whole_select_update_or_delete_is_planned(sql: str, *, fine: bool) -> None:
    assert plannable(sql, longest=1024) is fine


@pytest.mark.parametrize(
    ("condition", "columns"),
    [
        ("(customer_email = $1)", ("customer_email",)),
        ("((o.customer_email = $1) AND (o.total > $2) AND (o.id < 9))", ("customer_email", "total")),
        ("((status)::text = 'x'::text)", ("status",)),
        ("(lower(email) = $1)", ()),
        ("(lower((email)::text) = $1)", ()),
        ("(id = ANY ($1))", ("id",)),
        ("((a = 1) OR (b = 2))", ()),
        ("(a <> 1)", ()),
        ("(NOT paid)", ()),
    ],
)
def test_columns_an_index_could_serve_are_read_from_a_filter(
    condition: str, columns: tuple[str, ...]
) -> None:
    assert compared_columns(condition) == columns


def test_an_index_covers_only_when_valid_and_leading() -> None:
    def index(*columns: str, valid: bool = True, table: str = "o") -> Index:
        return Index(name="i", table=table, columns=columns, valid=valid)

    assert covered(("a",), "o", [index("a", "b")])
    assert covered(("b", "a"), "o", [index("a", "b", "c")])
    for other in (index("b", "a"), index("a", valid=False), index("a", table="p"), index("a (partial)")):
        assert not covered(("a",), "o", [other])


def test_a_walk_along_a_whole_index_is_a_search_too() -> None:
    walk = {
        "Node Type": "Index Scan",
        "Schema": "s",
        "Relation Name": "o",
        "Filter": "(a = $1)",
        "Plan Rows": 3,
    }
    plan = {"Node Type": "Limit", "Plans": [walk, walk | {"Index Cond": "(b = $2)"}]}
    (found,) = searches(plan)
    assert (found.schema, found.table, found.columns, found.expected_rows) == ("s", "o", ("a",), 3)
