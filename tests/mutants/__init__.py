"""Faults that somebody could make in the queue's SQL, and the tests that have to notice; `./run test --mutants`."""
