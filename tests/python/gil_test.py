"""The GIL is free while large work runs, and hooks and functions take it back; threads do not mix
their modes."""

import threading
import time
import unittest

import entasis as en


class Threads(unittest.TestCase):
    def test_large_work_lets_other_threads_run(self):
        a = en.ones(1200, 1200)
        ticks, done = [], threading.Event()

        def tick():
            while not done.is_set():
                ticks.append(1)
                time.sleep(0.001)
        thread = threading.Thread(target=tick)
        thread.start()
        begun = len(ticks)
        start = time.perf_counter()
        while time.perf_counter() - start < 0.3:
            a @ a
        ran = len(ticks) - begun
        done.set()
        thread.join()
        self.assertGreater(ran, 10)

    def test_backward_in_threads_with_hooks(self):
        def work(results):
            x = en.ones(50_000, requires_grad=True)
            seen = []
            x.register_hook(lambda g: seen.append(g[0].item()))
            for _ in range(20):
                (x * 3).sum().backward()
            results.append((seen, x.grad[0].item()))
        results, threads = [], []
        for _ in range(4):
            threads.append(threading.Thread(target=work, args=(results,)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [([3.0] * 20, 60.0)] * 4)

    def test_modes_belong_to_their_thread(self):
        recorded = []
        with en.no_grad():
            thread = threading.Thread(target=lambda: recorded.append(en.is_grad_enabled()))
            thread.start()
            thread.join()
        self.assertEqual(recorded, [True])

    def test_errors_in_released_work_name_their_line(self):
        big = en.ones(300, 300)
        try:
            big @ en.ones(7, 300)
        except en.ShapeError as error:
            self.assertIn(f"gil_test.py:{error.__traceback__.tb_lineno}", str(error))


if __name__ == "__main__":
    unittest.main()
