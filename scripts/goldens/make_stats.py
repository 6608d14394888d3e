"""Statistics that tables rest on, by scipy.

`stats.json`:
  t_975        [[df, quantile]], df 1 to 30 and some fractional and large ones
  samples      [{values, mean, sd (sample), median, low, high}]; low and high = mean -+
               t(0.975, s-1) sd / sqrt(s), null for s < 3; sd null for s = 1
  welch        [{mean_1, sd_1, count_1, mean_2, ..., df, half_width, inside}]: Welch-Satterthwaite
               degrees of freedom, t(0.975, df) * standard error of the difference of means, and
               whether the difference lies inside
  holm         [{p, adjusted}] in the order given
  effects      [{differences [task][seed], g}]: Hedges' g of paired differences, the sd pooled within
               tasks; null below two degrees of freedom or without variation
  sign_flips   [{differences, p}]: exact two-sided p of the mean over all 2^n sign patterns
"""

import itertools

import numpy as np
from scipy import stats

from common import EXP, save_json


def sample(values):
    values = np.asarray(values, float)
    s = len(values)
    low = high = None
    if s >= 3:
        half = stats.t.ppf(0.975, s - 1) * stats.sem(values) if values.std() else 0.0
        low, high = values.mean() - half, values.mean() + half
    return {"values": values, "mean": values.mean(), "sd": values.std(ddof=1) if s > 1 else None,
            "median": np.median(values), "low": low, "high": high}


def welch(m1, s1, n1, m2, s2, n2):
    a, b = s1 ** 2 / n1, s2 ** 2 / n2
    df = (a + b) ** 2 / (a ** 2 / (n1 - 1) + b ** 2 / (n2 - 1))
    half = stats.t.ppf(0.975, df) * np.sqrt(a + b)
    # scipy's own test gives the same degrees of freedom and the same verdict.
    test = stats.ttest_ind_from_stats(m1, s1, n1, m2, s2, n2, equal_var=False)
    p = 2 * stats.t.sf(abs(test.statistic), df)
    assert np.isclose(p, test.pvalue, rtol=1e-12), (p, test.pvalue)
    assert (p > 0.05) == (abs(m1 - m2) < half)
    return {"mean_1": m1, "sd_1": s1, "count_1": n1, "mean_2": m2, "sd_2": s2, "count_2": n2,
            "df": df, "half_width": half, "inside": abs(m1 - m2) <= half}


def holm(p):
    """By closed testing with Bonferroni's local tests, of which Holm's method is the shortcut."""
    adjusted = [0.0] * len(p)
    for size in range(1, len(p) + 1):
        for chosen in itertools.combinations(range(len(p)), size):
            local = min(1.0, size * min(p[i] for i in chosen))
            for i in chosen:
                adjusted[i] = max(adjusted[i], local)
    return {"p": p, "adjusted": adjusted}


def effect(tasks):
    """The mean of the tasks' means over the root of the within-task variance, weighted by degrees of
    freedom, times the usual approximation of Hedges' correction."""
    tasks = [np.asarray(t, float) for t in tasks]
    freedom = sum(len(t) - 1 for t in tasks)
    variance = sum(t.var(ddof=1) * (len(t) - 1) for t in tasks if len(t) > 1) / max(freedom, 1)
    g = None
    if freedom >= 2 and variance > 1e-20:
        g = np.mean([t.mean() for t in tasks]) / np.sqrt(variance) * (1 - 3 / (4 * freedom - 1))
    return {"differences": tasks, "g": g}


def sign_flips(differences):
    d = np.asarray(differences, float)
    test = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
    signs = np.array(list(itertools.product([1, -1], repeat=len(d))))
    means = np.abs(signs @ d) / len(d)
    p = np.mean(means >= abs(d.mean()) * (1 - 1e-12))
    assert np.isclose(p, test.pvalue), (p, test.pvalue)
    return {"differences": d, "p": p}


def main():
    rng = np.random.default_rng(87)
    dfs = list(range(1, 31)) + [1.5, 2.5, 3.75, 4.44, 5.123, 7.9, 12.34, 60, 120, 1000]
    accuracies = [np.round(rng.normal(75, 4, n), 1) for n in (1, 2, 3, 5, 5, 8, 30)]
    samples = [sample(v) for v in [*accuracies, [70.0] * 5, [1e6 + 0.1, 1e6 + 0.2, 1e6 + 0.3],
                                   [0.0, 0.0, 100.0], [-1.5, 2.5, 0.5, 3.0]]]
    welches = [welch(*v) for v in [
        (93.5, 0.5, 5, 92.9, 0.9, 5), (88.2, 1.0, 5, 70.1, 3.4, 5), (78.3, 4.5, 5, 74.5, 5.3, 5),
        (67.8, 3.2, 5, 65.5, 0.01, 5), (70.0, 2.0, 3, 74.0, 6.0, 10), (50.0, 1.0, 2, 51.0, 1.0, 2)]]
    holms = [holm(p) for p in [[0.04], [0.01, 0.04, 0.03], [0.5, 0.9, 0.6], [0.02, 0.02, 0.02],
                               [0.001, 0.3, 0.012, 0.049, 1.0], [0.04, 0.001],
                               [0.06, 0.008, 0.008, 0.2, 0.015, 0.03]]]
    flips = [sign_flips(d) for d in [
        [1.0, 2.0, 3.0, 4.0, 5.0], np.round(rng.normal(0.8, 2, 12), 2),
        np.round(rng.normal(0, 2, 10), 2), [0.0, 0.0, 1.0, -1.0], [2.0, -1.0, 0.5, 3.0, 0.0, 1.5]]]
    effects = [effect(t) for t in [
        [[1.0, 2.0, 4.0]], [[0.5, 1.5, -0.2, 0.9, 1.1], [2.0, 2.5, 1.0], [-1.0]],
        np.round(rng.normal(0.02, 0.03, (7, 5)), 4), [[1.0], [2.0]], [[0.1, 0.1, 0.1]]]]
    save_json(EXP / "stats.json", {
        "t_975": [[df, stats.t.ppf(0.975, df)] for df in dfs], "samples": samples,
        "welch": welches, "holm": holms, "effects": effects,
        "sign_flips": flips})


if __name__ == "__main__":
    main()
