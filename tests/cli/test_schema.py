"""`reelq schema status` about what no file makes: an operator's own things are no fault, a second signature of a function is."""

from __future__ import annotations


def test_an_operators_own_objects_are_listed_and_are_no_fault(reelq, conn):
    conn.execute("create table queue.my_notes (id integer)")
    found = reelq("schema", "status")
    assert found.code == 0 and "of nobody's file" in found.out and "queue.my_notes" in found.out


def test_a_second_signature_is_a_fault_with_its_remedy(reelq, conn):
    conn.execute("create function queue.list_limits(integer) returns integer language sql as 'select 1'")
    found = reelq("schema", "status")
    assert found.code == 3 and "second signature" in found.out
    assert "\n  drop function queue.list_limits(integer);" in found.err
    conn.execute("drop function queue.list_limits(integer)")
    found = reelq("schema", "status")
    assert found.code == 0 and "stand as they should" in found.err and "drop" not in found.err
