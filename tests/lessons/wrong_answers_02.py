"""Answers to the exercises of lesson 02 as learners might write them; see wrong_answers_00.py."""

import numpy as np

from qlac_lite.lessons.checks.exercise import edited


def targets_recursive(r, v, m, q, g, whole_only):
    out = m * q.max(axis=1)
    for k in reversed(range(r.shape[1])):
        out = np.where(v[:, k] > 0, r[:, k] + g * out, out)
    return [out, v.min(axis=1) if whole_only else np.ones_like(m)]


def targets_row_by_row(rewards, valid, mask, last_q, discount, whole_only):
    targets, weights = [], []
    for r, v, m, q in zip(rewards, valid, mask, last_q, strict=True):
        steps = int(v.sum())
        y = 0.0
        for k in range(steps):
            y += discount**k * r[k]
        if m:
            y += discount**steps * max(q)
        targets.append(y)
        weights.append(1.0 if steps == len(r) or not whole_only else 0.0)
    return targets, weights


def targets_bool_weight(r, v, m, q, g, whole_only):
    length = v.sum(axis=1).astype(int)
    y = (r * v) @ (g ** np.arange(r.shape[1])) + np.power(g, length) * m * np.amax(q, 1)
    return y, (length == r.shape[1]) | (not whole_only)


def fit_by_dictionary(state, entry, last_state, backup, q, iterations):
    q, curve = np.array(q), []
    for _ in range(iterations):
        y, w = backup(q[last_state])
        rows = {}
        for i in range(len(state)):
            rows.setdefault((state[i], entry[i]), []).append(i)
        for cell, at in rows.items():
            if w[at].sum() > 0:
                q[cell] = (w[at] * y[at]).sum() / w[at].sum()
        curve.append(max(q[0]))
    return q, curve


def fit_by_bincount(state, entry, last_state, backup, q, iterations):
    cell, curve = state * q.shape[1] + entry, np.empty(iterations)
    for i in range(iterations):
        y, w = backup(q[last_state, :])
        total = np.bincount(cell, w * y, q.size).reshape(q.shape)
        count = np.bincount(cell, w, q.size).reshape(q.shape)
        new = q.copy()
        new[count > 0] = total[count > 0] / count[count > 0]
        q, curve[i] = new, new[0].max()
    return q, curve


def mend_last_entry(rewards, mask, last_q, discount):
    horizon = rewards.shape[1]
    so_far = np.cumsum(discount ** np.arange(horizon) * rewards, axis=1)
    return so_far[:, -1] + discount**horizon * mask * last_q.max(axis=1)


def mend_by_powers(rewards, mask, last_q, discount):
    powers = discount ** np.arange(rewards.shape[1])
    return np.sum(powers * rewards, axis=1) + discount ** rewards.shape[1] * mask * last_q.max(axis=1)


def credit_vectorised(actions, valid, mask, choices):
    horizon = actions.shape[1]
    steps = valid.sum(axis=1).astype(int)
    first = (actions * valid * choices ** np.arange(horizon)[::-1]).sum(axis=1).astype(int)
    endings = np.where((steps == horizon) | (mask == 0), choices ** (horizon - steps), 0)
    rows = np.repeat(np.arange(len(mask)), endings)
    chunks = [np.arange(f, f + e) for f, e in zip(first, endings, strict=True)]
    return rows, np.concatenate(chunks)


def credit_by_product(actions, valid, mask, choices):
    import itertools

    rows, numbers = [], []
    for i, (row, exists) in enumerate(zip(actions, valid, strict=True)):
        known = [int(a) for a, e in zip(row, exists, strict=True) if e]
        missing = len(row) - len(known)
        if missing and mask[i]:
            continue
        for rest in itertools.product(range(choices), repeat=missing):
            rows.append(i)
            numbers.append(int("".join(map(str, [*known, *rest])), choices))
    return rows, numbers


def credit_by_list(a, v, m, c):
    horizon, rows, chunks = a.shape[1], [], []
    for i in range(len(m)):
        known = a[i][v[i] == 1]
        if len(known) < horizon and m[i]:
            continue
        number = 0
        for action in known:
            number = c * number + action
        many = c ** (horizon - len(known))
        block = list(range(number * many, (number + 1) * many))
        rows += [i] * len(block)
        chunks += block
    return rows, chunks


RIGHT = {
    "check_window_targets": targets_recursive,
    "check_fitted_q": fit_by_dictionary,
    "check_mended_targets": mend_last_entry,
    "check_credit_arrivals": credit_vectorised,
}
ALSO_RIGHT = {
    "check_window_targets": targets_row_by_row,
    "check_fitted_q": fit_by_bincount,
    "check_mended_targets": mend_by_powers,
    "check_credit_arrivals": credit_by_product,
}

_rows = lambda changes: edited(targets_row_by_row, changes)
_dictionary = lambda changes: edited(fit_by_dictionary, changes)
_mend = lambda changes: edited(mend_last_entry, changes)
_product = lambda changes: edited(credit_by_product, changes)


def _ill(rewards, mask, last_q, discount):
    powers = discount ** np.arange(rewards.shape[1])
    so_far = np.cumsum(powers * rewards, axis=1)
    return (powers * so_far).sum(axis=1) + discount ** rewards.shape[1] * mask * last_q.max(axis=1)


WRONG = {
    "check_window_targets": {
        "steps counted by rewards that are not 0": (
            _rows({"discount**steps": "discount ** int((v * r != 0).sum())"}),
            "next",
        ),
        "target only": (lambda *args: targets_recursive(*args)[0], "wrong number of values"),
        "one weight for all": (lambda *args: (targets_recursive(*args)[0], 1.0), "wrong shape"),
        "weight per step": (lambda r, v, *rest: (targets_recursive(r, v, *rest)[0], v), "wrong shape"),
        "NaN where the weight is 0": (
            lambda r, v, m, q, g, w: (
                np.where(v[:, -1] + (not w) > 0, targets_recursive(r, v, m, q, g, w)[0], np.nan),
                targets_recursive(r, v, m, q, g, w)[1],
            ),
            "holds NaN",
        ),
        "one power too many": (_rows({"discount**steps": "discount**(steps + 1)"}), "discounted m + 1 times"),
        "the table's value is not discounted": (_rows({"discount**steps * ": ""}), "is not discounted"),
        "the whole window's length": (_rows({"discount**steps": "discount**len(r)"}), "of a cut window"),
        "rewards past the end": (
            _rows({"range(steps)": "range(len(r))"}),
            "Steps after the end of the episode",
        ),
        "k from 1": (_rows({"discount**k": "discount**(k + 1)"}), "first reward is discounted already"),
        "mask forgotten": (_rows({"if m:": "if True:"}), "mask is missing"),
        "mask upside down": (_rows({"if m:": "if not m:"}), "upside down"),
        "goal as a part of the chunk": (_rows({"not whole_only": "not whole_only or not m"}), "section 6"),
        "whole windows always": (_rows({" or not whole_only": ""}), "even where every window counts"),
        "the last but one step": (
            lambda r, v, m, q, g, w: (
                targets_recursive(r, v, m, q, g, w)[0],
                v[:, max(v.shape[1] - 2, 0)] if w else np.ones(len(v)),
            ),
            "LAST step",
        ),
        "never below 0": (_rows({"max(q)": "max(*q, 0)"}), "its own best value"),
        "absolute values": (_rows({"max(q)": "max(abs(q))"}), "its own best value"),
        "best of each action": (
            lambda r, v, m, q, g, w: targets_recursive(r, v, m, q * 0 + q.max(axis=0)[0], g, w),
            "its own best value",
        ),
        "rewards of whole windows only": (
            lambda r, v, *rest: targets_recursive(r * v[:, -1:], v, *rest),
            "rewards of cut windows are lost",
        ),
        "nothing is discounted": (
            _rows({"discount**k * ": "", "discount**steps * ": ""}),
            "Nothing is discounted",
        ),
        "target times weight": (
            lambda *args: (np.prod(targets_recursive(*args), axis=0), targets_recursive(*args)[1]),
            "multiplied by the weight",
        ),
        "valid for mask": (
            lambda r, v, m, q, g, w: targets_recursive(r, v, v[:, -1], q, g, w),
            "valid decides about the bootstrap",
        ),
        "m by argmin": (
            lambda r, v, m, q, g, w: (
                (r * v) @ g ** np.arange(v.shape[1]) + g ** np.argmin(v, axis=1) * m * q.max(axis=1),
                v.min(axis=1) if w else np.ones(len(v)),
            ),
            "argmin finds no 0",
        ),
        "the loop's last k": (
            _rows({"discount**steps": "discount**k"}),
            "discounted m - 1 times",
        ),
        "every action": (
            lambda r, v, m, q, g, w: (r.sum(axis=1)[:, None] + g * m[:, None] * q, v[:, -1]),
            "axis is left over",
        ),
        "slices by a float": (
            lambda r, v, *rest: ([r[i, : v[i].sum()] for i in range(len(r))], v[:, -1]),
            "not whole numbers",
        ),
        "maximum over the other axis": (
            lambda r, v, m, q, g, w: ((r * v).sum(axis=1) + g * m * q.max(axis=0), v[:, -1]),
            "axis=0 in place of axis=1",
        ),
        "steps over the other axis": (
            lambda r, v, m, q, g, w: (
                targets_recursive(r, v, m, q, g, w)[0],
                (v.sum(axis=0) == r.shape[1]) | (not w),
            ),
            "axis=0 in place of axis=1",
        ),
        "n - 1 steps in every cut window": (
            lambda r, v, m, q, g, w: (
                (r * v) @ g ** np.arange(v.shape[1])
                + g ** np.where(v[:, -1] == 1, v.shape[1], v.shape[1] - 1) * m * q.max(axis=1),
                v[:, -1] if w else np.ones(len(v)),
            ),
            "taken to have n - 1 steps",
        ),
        "no bootstrap in cut windows with whole_only": (
            lambda r, v, m, q, g, w: targets_recursive(r, v, m * v[:, -1] if w else m, q, g, w),
            "whole_only changes the weight alone",
        ),
        "valid forgotten": (
            lambda r, v, m, q, g, w: (
                r @ g ** np.arange(v.shape[1]) + g ** v.sum(axis=1) * m * q.max(axis=1),
                v[:, -1] if w else np.ones(len(v)),
            ),
            "multiply the rewards by valid",
        ),
        "rewards in reverse": (lambda r, *rest: targets_recursive(r[:, ::-1], *rest), "k starts at 0"),
    },
    "check_fitted_q": {
        "q only": (lambda *args: fit_by_bincount(*args)[0], "wrong number of values"),
        "swapped": (lambda *args: fit_by_bincount(*args)[::-1], "another order"),
        "one number for the curve": (
            lambda *args: (fit_by_bincount(*args)[0], fit_by_bincount(*args)[1][-1]),
            "wrong shape",
        ),
        "writes into q": (_dictionary({"np.array(q)": "q"}), "changes its arguments"),
        "divides by zero": (
            edited(
                fit_by_bincount, {"new[count > 0] = ": "new = np.zeros_like(q) + np.nan; new[count > 0] = "}
            ),
            "NaN",
        ),
        "last row wins": (
            _dictionary(
                {"rows.setdefault((state[i], entry[i]), []).append(i)": "rows[state[i], entry[i]] = [i]"}
            ),
            "only the last one counts",
        ),
        "sum, not mean": (
            _dictionary({"(w[at] * y[at]).sum() / w[at].sum()": "(w[at] * y[at]).sum()"}),
            "added up, not averaged",
        ),
        "unweighted": (_dictionary({"(w[at] * y[at]).sum() / w[at].sum()": "y[at].mean()"}), "has no say"),
        "mean over the weighted": (_dictionary({"/ w[at].sum()": "/ len(at)"}), "has no say"),
        "backup before the loop": (
            _dictionary(
                {
                    "q, curve = np.array(q), []": "q, curve = np.array(q), []; y, w = backup(q[last_state])",
                    "        y, w = backup(q[last_state])\n": "",
                }
            ),
            "the targets of the table that came in",
        ),
        "one after the other": (
            _dictionary(
                {
                    "for cell, at in rows.items():": "for i, cell in enumerate(zip(state, entry)):",
                    "            if w[at].sum() > 0:\n    ": "",
                    "q[cell] = (w[at] * y[at]).sum() / w[at].sum()": "q[cell] += w[i] * (y[i] - q[cell])",
                }
            ),
            "one after the other",
        ),
        "at least 1": (_dictionary({"/ w[at].sum()": "/ max(w[at].sum(), 1)"}), "divided by at least 1"),
        "a curve that begins early": (
            lambda s, e, n, b, q, i: (
                fit_by_bincount(s, e, n, b, q, i)[0],
                np.r_[q[0].max(), fit_by_bincount(s, e, n, b, q, i)[1]],
            ),
            "begins before the first iteration",
        ),
        "stops when nothing changes": (
            edited(
                fit_by_bincount,
                {
                    "q, curve[i] = new, new[0].max()": "q, old, curve[i] = new, q, new[0].max()\n"
                    "        if np.allclose(q, old):\n            return q, curve[: i + 1]"
                },
            ),
            "stops as soon as an iteration changes nothing",
        ),
        "the last target": (
            _dictionary({"(w[at] * y[at]).sum() / w[at].sum()": "[y[i] for i in at if w[i] > 0][-1]"}),
            "last row that counts",
        ),
        "first states": (_dictionary({"q[last_state]": "q[state]"}), "of the first states"),
        "best of the row only": (
            _dictionary({"backup(q[last_state])": "backup(q[last_state].max(axis=1))"}),
            "backup needs q's whole rows",
        ),
        "state and entry swapped": (
            _dictionary({"(state[i], entry[i])": "(entry[i], state[i])"}),
            "The entries moved are q[entry, state]",
        ),
        "curve of state 0, action 0": (_dictionary({"max(q[0])": "q[0, 0]"}), "first action's value"),
        "curve of everything": (_dictionary({"max(q[0])": "q.max()"}), "whole table"),
        "curve before": (
            edited(fit_by_bincount, {"q, curve[i] = new, new[0].max()": "q, curve[i] = new, q[0].max()"}),
            "before the update",
        ),
        "gradual": (
            _dictionary(
                {
                    "q[cell] = ": "q[cell] += 0.5 * ",
                    "w[at].sum()\n        curve": "w[at].sum() - 0.5 * q[cell]\n        curve",
                }
            ),
            "half of the way",
        ),
        "stays at the best seen": (
            _dictionary(
                {"(w[at] * y[at]).sum() / w[at].sum()": "max(q[cell], (w[at] * y[at]).sum() / w[at].sum())"}
            ),
            "never fall",
        ),
        "entry by entry, each from the table so far": (
            _dictionary(
                {
                    "        for cell, at in rows.items():\n": "        for cell, at in rows.items():\n"
                    "            y, w = backup(q[last_state])\n"
                }
            ),
            "come from the table of the iteration before",
        ),
        "a curve of the end alone": (
            lambda *args: (
                fit_by_bincount(*args)[0],
                [fit_by_bincount(*args)[1][-1]] * args[-1],
            ),
            "that of the last iteration",
        ),
        "a curve that is too high later": (
            lambda *args: (fit_by_bincount(*args)[0], fit_by_bincount(*args)[1] + np.arange(args[-1])),
            "append the largest value of state 0",
        ),
        "best target, not mean": (
            _dictionary({"(w[at] * y[at]).sum() / w[at].sum()": "y[at].max()"}),
            "next",
        ),
    },
    "check_mended_targets": {
        "as it was": (_ill, "still there"),
        "gamma, and the mistake": (
            edited(_ill, {"discount ** rewards.shape[1] * ": "discount * "}),
            "bootstrap's discount was not the cause",
        ),
        "one power more": (
            edited(_ill, {"discount ** rewards.shape[1] * ": "discount ** (rewards.shape[1] + 1) * "}),
            "bootstrap's discount was not the cause",
        ),
        "one power less": (
            edited(_ill, {"discount ** rewards.shape[1] * ": "discount ** (rewards.shape[1] - 1) * "}),
            "one power less, and the old mistake",
        ),
        "no mask": (edited(_ill, {" * mask": ""}), "mask was not the cause"),
        "a mean over chunks": (edited(_ill, {"last_q.max": "last_q.mean"}), "maximum was not the cause"),
        "what is earned, clipped": (
            lambda r, m, q, g: (
                np.maximum(_ill(r, m, 0 * q, g), -1 / (1 - g)) + g ** r.shape[1] * m * q.max(axis=1)
            ),
            "Clipping what is earned",
        ),
        "clipped": (lambda *args: np.maximum(_ill(*args), -1 / (1 - args[3])), "hides the symptom"),
        "mean of the sums": (_mend({"so_far[:, -1]": "so_far.mean(axis=1)"}), "about the right size"),
        "sum of the sums": (_mend({"so_far[:, -1]": "so_far.sum(axis=1)"}), "second discount was not"),
        "undiscounted": (_mend({"so_far[:, -1]": "rewards.sum(axis=1)"}), "none is discounted"),
        "the last, discounted again": (
            _mend({"so_far[:, -1]": "discount ** (horizon - 1) * so_far[:, -1]"}),
            "discounted a second time",
        ),
        "the first": (_mend({"so_far[:, -1]": "so_far[:, 0]"}), "first reward alone"),
        "Horner's rule, the wrong way round": (
            _mend({"discount ** np.arange(horizon)": "discount ** np.arange(horizon)[::-1]"}),
            "discounts stand in reverse",
        ),
        "gamma, mended": (_mend({"discount**horizon": "discount"}), "was changed to gamma"),
        "all sums": (_mend({"so_far[:, -1]": "so_far.T"}), "next"),
        "divided by H": (
            lambda r, m, q, g: _ill(r, m, q * 0, g) / r.shape[1] + g ** r.shape[1] * m * q.max(axis=1),
            "mean of the discounted returns",
        ),
    },
    "check_credit_arrivals": {
        "numbers only": (lambda *args: credit_by_product(*args)[1], "wrong number of values"),
        "time limits, too": (
            _product({"if missing and mask[i]:": "if False:"}),
            "time limit cut are credited",
        ),
        "whole only": (_product({"if missing and mask[i]:": "if missing:"}), "arrivals are still missing"),
        "arrivals only": (
            _product({"if missing and mask[i]:": "if mask[i]:"}),
            "Only windows that end at the goal",
        ),
        "mask read upside down": (
            _product({"if missing and mask[i]:": "if missing and not mask[i]:"}),
            "read upside down",
        ),
        "one ending": (
            _product({"itertools.product(range(choices), repeat=missing)": "[[0] * missing]"}),
            "filled up with action 0",
        ),
        "the filler's number": (
            _product({"if e]": "]"}),
            "After a time limit",
        ),
        "the filler's number, time limits left out": (
            lambda a, v, m, c: [
                x[(v[:, -1] == 1) | (m == 0)]
                for x in (np.arange(len(a)), a @ c ** np.arange(a.shape[1])[::-1])
            ],
            "what stands past the end as its actions",
        ),
        "arrivals not moved to the front": (
            lambda a, v, m, c: [
                np.concatenate(x)
                for x in zip(
                    *(
                        (
                            np.full(c ** int((1 - e).sum()), i),
                            int("".join(map(str, row[e == 1])), c) + np.arange(c ** int((1 - e).sum())),
                        )
                        for i, (row, e) in enumerate(zip(a, v, strict=True))
                        if e.all() or not m[i]
                    ),
                    strict=True,
                )
            ],
            "not moved to the front",
        ),
        "little endian": (_product({"[*known, *rest]": "[*known[::-1], *rest]"}), "read backwards"),
        "arrivals behind": (
            lambda a, v, m, c: [
                x[np.argsort(v[credit_vectorised(a, v, m, c)[0], -1] == 0, kind="stable")]
                for x in credit_vectorised(a, v, m, c)
            ],
            "arrivals stand behind",
        ),
        "endings in front": (_product({"[*known, *rest]": "[*rest, *known]"}), "put in front"),
        "binary": (
            lambda a, v, m, c: credit_vectorised(a, v, m, 2),
            "base is 2 everywhere",
        ),
        "last step repeated": (
            _product({"itertools.product(range(choices), repeat=missing)": "[[known[-1]] * missing]"}),
            "wrong shape",
        ),
        "descending": (
            lambda a, v, m, c: [
                x[np.lexsort((-credit_vectorised(a, v, m, c)[1], credit_vectorised(a, v, m, c)[0]))]
                for x in credit_vectorised(a, v, m, c)
            ],
            "never happen",
        ),
        "a product for the power": (
            edited(credit_by_list, {"c ** (horizon - len(known))": "max(1, c * (horizon - len(known)))"}),
            "multiply, they do not add",
        ),
        "a product, and whole windows lost": (
            edited(credit_by_list, {"c ** (horizon - len(known))": "c * (horizon - len(known))"}),
            "informs nothing",
        ),
        "the last action forgotten": (
            edited(credit_by_list, {"in known:": "in known[:-1]:"}),
            "last action of every window",
        ),
        "one short": (
            edited(credit_by_list, {"(number + 1) * many)": "(number + 1) * many - 1)"}),
            "The block is one short",
        ),
        "chunks one short": (
            edited(credit_by_list, {"chunks += block": "chunks += block[:-1]"}),
            "`row` is not",
        ),
        "floats as numbers of chunks": (
            lambda a, v, m, c: (
                credit_vectorised(a, v, m, c)[0],
                np.concatenate(
                    [
                        (row * e) @ c ** np.arange(len(row))[::-1] + np.arange(c ** int((1 - e).sum()))
                        for row, e, mask in zip(a, v, m, strict=True)
                        if e.all() or not mask
                    ]
                ),
            ),
            "chunk does not hold whole numbers by type",
        ),
        "floats as rows": (
            lambda *args: (credit_by_list(*args)[0] * np.ones(1), credit_by_list(*args)[1]),
            "row does not hold whole numbers by type",
        ),
        "equal numbers dropped": (
            lambda *args: tuple(map(np.unique, credit_by_list(*args))),
            "np.unique keeps one of each",
        ),
        "equal chunks dropped": (
            lambda *args: (credit_by_list(*args)[0], list(dict.fromkeys(credit_by_list(*args)[1]))),
            "one row each",
        ),
        "read backwards, base right, not shifted": (
            lambda a, v, m, c: (
                credit_vectorised(a, v, m, c)[0],
                np.concatenate(
                    [
                        int((row * e) @ c ** np.arange(len(row))) + np.arange(c ** int((1 - e).sum()))
                        for row, e, mask in zip(a, v, m, strict=True)
                        if e.all() or not mask
                    ]
                ),
            ),
            "the first action in front",
        ),
        "digits, not numbers": (lambda a, v, m, c: (np.arange(len(a)), a), "wrong shape"),
    },
}
