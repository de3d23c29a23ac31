// Ends a program whose arithmetic is not that of IEEE 754 in double precision, before it begins.
// What the compiler might compute by itself is hidden from it by volatile variables.

#include <cfloat>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

static bool is(double x, uint64_t bits) {
    volatile double stored = x;
    const double value = stored;
    uint64_t found;
    std::memcpy(&found, &value, sizeof found);
    return found == bits;
}

// Not static: code that runs once before the start would not be optimised as that of the program is.
__attribute__((noinline)) double divided(double x, double by) {
    const double first = x / by, second = (first + x) / by;
    return (second + x) / by;
}

__attribute__((noinline, hot)) static const char *wrong() {
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
    return "-ffast-math or one of its parts";
#endif
    if (FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16) return "numbers of another precision";
    const double p30 = 1.0 / (1 << 30), p32 = p30 / 4;  // powers of 2: exact however computed
    volatile double one = 1, tiny = p30 * p30, zero = 0, minus_zero = -0.0, least = DBL_MIN;
    volatile double odd = 1 + p30, half = p30 * p30 * 128 + p32 * p32;
    const double a = one, b = tiny;
    if (!is((a + b) - a, 0)) return "sums in another order";
    const double c = odd, same = odd;
    volatile double square = c * c;
    if (!is(same * same - square, 0)) return "multiplications joined with additions";
    if (!is(one + half, 0x3ff0000000000001)) return "sums rounded twice";
    if (!is(0.1, 0x3fb999999999999a)) return "constants of single precision";
    if (!is(least / 2, 0x0008000000000000)) return "subnormal numbers taken for 0";
    const double m = minus_zero;
    if (!is(m + 0.0, 0)) return "no sign of 0";
    const double nan = zero / zero;
    if (nan == nan || !(nan != nan)) return "no comparison with NaN";
    volatile double given = 5, by = 49;
    volatile double first = given / by, second = (first + given) / by;
    volatile double third = (second + given) / by;
    if (divided(given, by) != third) return "divisions by way of the reciprocal";
    return nullptr;
}

__attribute__((constructor)) static void check() {
    if (const char *what = wrong()) {
        std::fprintf(stderr, "the compiler does not keep to IEEE 754 arithmetic: %s\n", what);
        std::_Exit(3);
    }
}
