"""Every measure and burst detector once more: slowly, literally, one train at a time.

A train is a list of spike times in seconds, in ascending order; a burst is the pair of its first
and its last spike's index. Times may be floats or fractions. With fractions, every comparison is
exact, so that nothing here needs a tolerance. What a train is too short for, and what divides
zero by zero, is NaN.
"""

import math
from decimal import Context, Decimal, localcontext
from fractions import Fraction

NAN = math.nan


def intervals(train):
    return [train[i + 1] - train[i] for i in range(len(train) - 1)]


def pairs(train):
    """Each interval with the one after it."""
    found = intervals(train)
    return [(found[i], found[i + 1]) for i in range(len(found) - 1)]


def ratio(above, below):
    if below == 0:
        return NAN if above == 0 else math.inf
    return float(above / below)


def mean(values):
    return ratio(sum(values), len(values))


# Measures of the intervals


def isi_mean(train):
    return mean(intervals(train))


def isi_median(train):
    ordered = sorted(intervals(train))
    m = len(ordered)
    if m == 0:
        return NAN
    if m % 2 == 1:
        return float(ordered[m // 2])
    return float((ordered[m // 2 - 1] + ordered[m // 2]) / 2)


def isi_min(train):
    return float(min(intervals(train), default=NAN))


def isi_cv(train):
    found = intervals(train)
    if not found or sum(found) == 0:
        return NAN
    average = sum(found) / len(found)
    variance = sum((interval - average) ** 2 for interval in found) / len(found)
    return math.sqrt(variance) / float(average)


def cv2(train):
    """Holt et al. (1996)."""
    return mean([2 * ratio(abs(later - one), later + one) for one, later in pairs(train)])


def lv(train):
    """Shinomoto et al. (2003)."""
    return mean([3 * ratio((one - later) ** 2, (one + later) ** 2) for one, later in pairs(train)])


def lvr(train, refractory=0.005):
    """Shinomoto et al. (2009)."""
    terms = []
    for one, later in pairs(train):
        both = one + later
        local = 1 - 4 * ratio(one * later, both**2)
        terms.append(3 * local * (1 + 4 * ratio(refractory, both)))
    return mean(terms)


def adaptation_index(train):
    return mean([ratio(later - one, later + one) for one, later in pairs(train)])


def adaptation_ratio(train):
    """Of a first interval and another; there is no ratio to a first interval of zero."""
    found = intervals(train)
    if len(found) < 2 or found[0] == 0:
        return NAN
    return ratio(found[-1], found[0])


# Bursts by intervals


def fixed_interval_bursts(train, max_interval, min_spikes):
    """Longest runs of intervals of at most max_interval."""
    found = []
    first = 0
    for i in range(len(train)):
        at_end = i + 1 == len(train)
        if at_end or train[i + 1] - train[i] > max_interval:
            if i - first + 1 >= min_spikes:
                found.append((first, i))
            first = i + 1
    return found


def max_interval_bursts(train, begin_interval, end_interval, min_gap, min_duration, min_spikes):
    interval = intervals(train)

    candidates = []
    i = 0
    while i < len(interval):
        if interval[i] > begin_interval:
            i += 1
            continue
        first = i
        while i < len(interval) and interval[i] <= end_interval:
            i += 1
        candidates.append((first, i))

    merged = []
    for first, last in candidates:
        if merged and train[first] - train[merged[-1][1]] < min_gap:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))

    return [
        (first, last)
        for first, last in merged
        if train[last] - train[first] >= min_duration and last - first + 1 >= min_spikes
    ]


# Bursts by the histogram of the logarithms of the intervals


def log_bin(milliseconds, decades):
    """Number of the bin between two of 10 n edges that part 1 to 10**n ms evenly by logarithm."""
    edges, power = 10 * decades, milliseconds ** (10 * decades - 1)
    k = 0
    while k + 1 < edges - 1 and power >= Fraction(10) ** ((k + 1) * decades):
        k += 1
    return k


def log_histogram(train):
    """Heights of all bins, and the number of decades; intervals below 1 ms are left out."""
    milliseconds = [Fraction(interval) * 1000 for interval in intervals(train)]
    decades = 0
    while milliseconds and max(milliseconds) > 10**decades:
        decades += 1
    if decades == 0:
        return [], 0
    heights = [0] * (10 * decades - 1)
    for each in milliseconds:
        if each >= 1:
            heights[log_bin(each, decades)] += 1
    return heights, decades


def log_peaks(heights):
    """Bins above the two before and not below the two after; neither the first nor the last."""
    peaks = []
    for k in range(1, len(heights) - 1):
        before, after = heights[max(k - 2, 0) : k], heights[k + 1 : k + 3]
        if heights[k] > max(before) and heights[k] >= max(after):
            peaks.append(k)
    return peaks


NO_PEAK = -1


def log_isi_threshold(train, void, core_interval):
    """In seconds; NaN where the histogram does not fall into two parts."""
    threshold = _log_isi_threshold(train, void, core_interval)
    return NAN if threshold == NO_PEAK else threshold


def _log_isi_threshold(train, void, core_interval):
    heights, decades = log_histogram(train)
    peaks = log_peaks(heights)
    core = (Fraction(core_interval) * 1000) ** (10 * decades - 1)
    within = [k for k in peaks if Fraction(10) ** (k * decades) < core]
    if not within:
        return NO_PEAK
    intraburst = within[0]
    for k in within:
        if heights[k] > heights[intraburst]:
            intraburst = k
    for k in peaks:
        if k <= intraburst:
            continue
        lowest = intraburst + 1
        for between in range(intraburst + 1, k):
            if heights[between] < heights[lowest]:
                lowest = between
        # 1 - minimum / sqrt(peak * peak) >= void, without the root
        minimum, product = heights[lowest], heights[intraburst] * heights[k]
        if minimum**2 <= (1 - Fraction(void)) ** 2 * product:
            return 10 ** (lowest * decades / (10 * decades - 1)) / 1000
    return NAN


def log_isi_bursts(train, void, core_interval, longest, min_spikes):
    threshold = _log_isi_threshold(train, void, core_interval)
    if threshold == NO_PEAK:
        return []
    if math.isnan(threshold) or threshold >= longest:
        return fixed_interval_bursts(train, core_interval, min_spikes)
    if threshold < core_interval:
        return fixed_interval_bursts(train, threshold, min_spikes)
    cores = fixed_interval_bursts(train, core_interval, min_spikes)
    return [
        (first, last)
        for first, last in fixed_interval_bursts(train, threshold, min_spikes)
        if any(first <= start and end <= last for start, end in cores)
    ]


# Bursts by their Poisson surprise


def poisson_surprise(n_spikes, duration, mean_interval):
    """-ln of the probability of n - 1 or more events where duration / mean_interval are expected.

    The probability is exp(-x) times the sum of x**k / k! over all k from n - 1, with 50 digits.
    """
    if duration == 0:
        return math.inf
    # Neither the largest nor the smallest probability leaves the range of these numbers.
    with localcontext(Context(prec=50)):
        expected = Fraction(duration) / Fraction(mean_interval)
        x = Decimal(expected.numerator) / Decimal(expected.denominator)
        term = Decimal(1)
        for k in range(1, n_spikes):
            term *= x / k
        total, k = term, n_spikes - 1
        while k < x or term > total * Decimal("1e-45"):
            k += 1
            term *= x / k
            total += term
        return float(x - total.ln())


def poisson_surprise_bursts(train, limit, min_spikes):
    interval = intervals(train)
    if not interval or sum(interval) == 0:
        return []
    average = sum(interval) / len(interval)

    def surprise(first, last):
        return poisson_surprise(last - first + 1, train[last] - train[first], average)

    def lengthened(first, last):
        """Last spike of the first longer burst with a larger surprise; None if there is none."""
        now = surprise(first, last)
        for candidate in range(last + 1, min(last + 10, len(train) - 1) + 1):
            if surprise(first, candidate) > now:
                return candidate
            if interval[candidate - 1] > 2 * average:
                return None
        return None

    found = []
    i = 0
    while i + 1 < len(interval):
        if not (interval[i] < average / 2 and interval[i + 1] < average / 2):
            i += 1
            continue
        first, last = i, i + 2
        while (longer := lengthened(first, last)) is not None:
            last = longer
        while last - first >= 3 and surprise(first + 1, last) > surprise(first, last):
            first += 1
        if surprise(first, last) > limit and last - first + 1 >= min_spikes:
            found.append((first, last))
            i = last + 1
        else:
            i += 1
    return found


# What the bursts of a train are like


def burst_rate(train, found, duration):
    """Bursts a minute."""
    return len(found) / duration * 60


def spikes_per_burst(train, found):
    return mean([last - first + 1 for first, last in found])


def burst_duration(train, found):
    return mean([train[last] - train[first] for first, last in found])


def intraburst_frequency(train, found):
    """Of the bursts that take any time."""
    durations = [(last - first, train[last] - train[first]) for first, last in found]
    return mean([n_intervals / duration for n_intervals, duration in durations if duration > 0])


def interburst_interval(train, found):
    """From the last spike of a burst to the first of the next."""
    return mean([train[found[j + 1][0]] - train[found[j][1]] for j in range(len(found) - 1)])


def burst_share(train, found):
    return ratio(sum(last - first + 1 for first, last in found), len(train))
