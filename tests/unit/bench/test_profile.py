"""Reading what py-spy writes."""

from bench.profile import own_time, whole_time


def test_samples_belong_to_the_innermost_function_or_to_all_and_idle_threads_to_none() -> None:
    stacks = "run (a.py:1);send (b.py:2) 3\nrun (a.py:1) 1\nx (c.py:1);send (b.py:2) 2\n" + (
        "_bootstrap (threading.py:9);_worker (concurrent/futures/thread.py:69) 50\n"
    )
    assert own_time(stacks) == {"send (b.py:2)": 5, "run (a.py:1)": 1}
    assert whole_time(stacks) == {"run (a.py:1)": 4, "send (b.py:2)": 5, "x (c.py:1)": 2}
