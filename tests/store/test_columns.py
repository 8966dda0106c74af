"""Times are stored in UTC and never without their zone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, insert, select
from sqlalchemy.exc import IntegrityError, StatementError

from core.store.columns import UtcTime, one_of


@pytest.fixture
def table():
    engine = create_engine("sqlite://")
    made = Table(
        "made",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("at", UtcTime),
    )
    made.create(engine)
    return engine, made


@pytest.mark.parametrize("hours", [-7, 0, 5.5])
def test_a_time_of_any_zone_comes_back_as_the_same_moment_in_utc(table, hours):
    engine, made = table
    at = datetime(2026, 3, 1, 23, 30, 15, 123456, timezone(timedelta(hours=hours)))
    with engine.begin() as connection:
        connection.execute(insert(made).values(id=1, at=at))
        found = connection.execute(select(made.c.at)).scalar_one()
    assert found == at
    assert found.tzinfo == UTC


def test_no_time_stays_none(table):
    engine, made = table
    with engine.begin() as connection:
        connection.execute(insert(made).values(id=1, at=None))
        assert connection.execute(select(made.c.at)).scalar_one() is None


def test_a_time_without_its_zone_is_refused(table):
    engine, made = table
    with engine.begin() as connection, pytest.raises(StatementError, match="without its zone"):
        connection.execute(insert(made).values(id=1, at=datetime(2026, 3, 1)))


def test_a_column_of_words_takes_no_others():
    engine = create_engine("sqlite://")
    colours = Table(
        "colours", MetaData(), Column("name", UtcTime.impl), one_of("colours", "name", ("red",))
    )
    assert [check.name for check in colours.constraints if check.name] == ["ck_colours_name"]
    words = Table("words", MetaData(), Column("word", Integer), one_of("words", "word", ("1", "2")))
    words.create(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO words VALUES ('1')")
        with pytest.raises(IntegrityError, match="ck_words_word"):
            connection.exec_driver_sql("INSERT INTO words VALUES ('3')")
