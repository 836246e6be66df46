"""The table of the GPU benchmarks."""


def time_text(seconds):
    if seconds is None:
        return "–"
    for unit, scale in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}" if seconds < 1000 * scale else f"{seconds:.0f} s"
    return f"{seconds * 1e9:.3g} ns"


def memory_text(size):
    return "–" if size is None else f"{size / 2**20:,.1f} MiB"


def cell(side, with_label=False):
    """What a side took, or why it did not run."""
    if side is None:
        return "–"
    if side.failure:
        return "✗ " + side.failure.replace("|", "/").replace("\n", " ")[:100]
    return time_text(side.median) + (f" ({side.label})" if with_label else "")


class Result:
    """What was measured of a row; `remark` if nothing was."""

    def __init__(self, row, sides, floor, remark=""):
        self.row, self.sides, self.floor, self.remark = row, sides, floor, remark

    def side(self, label):
        return next((side for side in self.sides if side.label == label), None)

    @property
    def ours(self):
        return self.side("ours")

    def best(self, *labels):
        """The fastest of these peers; one that failed if all did."""
        peers = [side for side in self.sides if side.label in labels]
        return min(peers, key=lambda side: side.median or float("inf"), default=None)

    @property
    def peers(self):
        return [side for side in self.sides if side.label not in ("ours", "bare")]

    @property
    def modes(self):
        """Of torch.compile."""
        return [side.label for side in self.peers if "graph" not in side.label
                and side.label != "eager"]

    def ratio(self, peer):
        """The peer's time over ours: above 1 Entasis is faster."""
        if peer is None or not self.ours or not peer.median or not self.ours.median:
            return None
        return peer.median / self.ours.median

    @property
    def best_ratio(self):
        return self.ratio(self.best(*(side.label for side in self.peers)))

    @property
    def share(self):
        return self.floor / self.ours.median if self.floor and self.ours.median else None

    @property
    def spread(self):
        """Half of the range of our rounds, as a part of the median."""
        seconds = self.ours.seconds
        return (max(seconds) - min(seconds)) / 2 / self.ours.median if self.ours.median else None

    def verdict(self):
        if not self.row.aim:
            return ""
        kind, aim = self.row.aim
        if kind == "over":
            reached = self.ours.median - self.floor if self.floor and self.ours.median else None
            text, met = f"≤ floor + {time_text(aim)}", reached is not None and reached <= aim
        else:
            reached = {"share": self.share, "ratio": self.best_ratio,
                       "compile": self.ratio(self.best(*self.modes))}[kind]
            text = f"≥ {aim:.0%} of floor" if kind == "share" else f"≥ {aim:g}×"
            text += " compile's best" if kind == "compile" else ""
            met = reached is not None and reached >= aim
        if reached is None:
            return f"{text}: unknown"
        shown = time_text(reached) if kind == "over" else f"{reached:.2f}"
        return f"{text}: " + ("met" if met else f"missed ({shown})")

    def cells(self):
        eager = self.side("eager") or self.side("graph")
        compiled = self.best(*self.modes)
        with_label = compiled is not None and len(self.modes) > 1

        def number(value, form):
            return "–" if value is None else form.format(value)
        return [self.row.title, cell(self.ours), number(self.spread, "±{:.1%}"),
                cell(eager, eager is not None and eager.label != "eager"),
                cell(compiled, with_label), number(self.best_ratio, "{:.2f}"),
                time_text(self.floor), number(self.share, "{:.0%}"), memory_text(self.ours.peak),
                memory_text(eager.peak if eager else None), self.verdict()]


HEAD = ["row", "Entasis", "spread", "eager", "compile", "ratio", "floor", "of floor", "memory",
        "eager's", "aim"]


class Table:
    def __init__(self, head):
        self.head, self.results, self.ceilings = head, [], {}

    def add(self, result):
        """Keeps a row, and gives it as a line of text."""
        self.results.append(result)
        return " | ".join(self.cells(result))

    @staticmethod
    def cells(result):
        return [result.row.title, result.remark] if result.remark else result.cells()

    def ceiling_texts(self):
        for key, rate in self.ceilings.items():
            yield (f"copy {rate / 1e12:.3g} TB/s" if key == "copy"
                   else f"matmul {key} {rate / 1e12:.4g} TFLOP/s")

    def markdown(self):
        lines = [f"# GPU, {self.head[0]}", "", *(f"- {line}" for line in self.head[1:]),
                 "- measured in this run, the best of all sides: "
                 + (", ".join(self.ceiling_texts()) or "nothing"), "",
                 "Medians of rounds in turns; ratio: the peer's best time over Entasis's, above 1 Entasis "
                 "is faster. PyTorch is called from Python, Entasis from C++. Floor: bytes / copy "
                 "bandwidth or FLOP / matrix rate, whichever is longer; for calls, a bare "
                 "cudaLaunchKernel; for work beside other work, the longer one alone. Memory: peak, "
                 "inputs included.", "",
                 "| " + " | ".join(HEAD) + " |", "|---|" + "---:|" * (len(HEAD) - 2) + "---|"]
        for result in self.results:
            cells = self.cells(result)
            lines.append("| " + " | ".join(cells + [""] * (len(HEAD) - len(cells))) + " |")
        many = [result for result in self.results if len(result.peers) > 2]
        if many:
            lines += ["", "All ways of PyTorch, where there are more:", "", "| row | way | time |",
                      "|---|---|---:|"]
            lines += [f"| {result.row.title} | {side.label} | {cell(side)} |"
                      for result in many for side in result.peers]
        return "\n".join(lines) + "\n"
