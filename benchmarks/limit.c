/* The two-to-one circuit written out by hand: what the machine can do.
 *
 * Usage: limit POINTS_FILE THREADS [SPIKES_FILE]
 *
 * POINTS_FILE holds float64 in SI units: all a, then all b, c, d, U_0, amplitude. Prints the
 * seconds of the simulation and the number of spikes. SPIKES_FILE gets int32 pairs (3*point + cell,
 * step); cells 0 and 1 are driven, cell 2 listens to both.
 *
 * BLOCK vectors of LANES replicas go through all steps before the next ones start, so their state
 * stays in registers and first-level cache. Without fast-math the arithmetic is, operation for
 * operation, that of Brian2's C++ for izhi's network, so spikes are equal to the bit. With it the
 * polynomial is in Horner's form, with the time step multiplied into its coefficients.
 */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __AVX__
#include <immintrin.h>
#endif

#ifndef LANES
#ifdef __AVX512F__
#define LANES 8
#else
#define LANES 4
#endif
#endif
#ifndef BLOCK
#define BLOCK 2
#endif

enum { PARAMETERS = 6, STEPS = 10000, ONSET = 200, CELLS = 3, MOST_THREADS = 64 };
enum { EACH_CELL = 1 + (1 << LANES) + (1 << 2 * LANES) }; /* repeats a mask of lanes */

static const double DT = 0.0001, TAU_M = 0.001, C1 = 40.0, C2 = 5.0, C3 = 0.14;
static const double V_TH = 0.03, V_START = -0.065, WEIGHT = 0.008;
static const double TAU_F = 0.3, TAU_D = 0.5, TAU_S = 0.005;

typedef double vec __attribute__((vector_size(8 * LANES)));
typedef int64_t lanes __attribute__((vector_size(8 * LANES)));

/* Synapses of a vector of replicas from one driven cell each; touched at spikes only. */
typedef struct {
    double u[LANES], x[LANES], last[LANES];
} Synapses;

typedef struct {
    int32_t train, step;
} Spike;

typedef struct {
    const double *values;
    size_t points, *next; /* next point that no thread has taken */
    Spike *spikes;
    size_t n_spikes, room;
} Share;

static inline unsigned above_threshold(vec v)
{
#if defined(__AVX512F__) && LANES == 8
    return _mm512_cmp_pd_mask((__m512d)v, _mm512_set1_pd(V_TH), _CMP_GT_OQ);
#elif defined(__AVX__) && LANES == 4
    return (unsigned)_mm256_movemask_pd((__m256d)(v > V_TH));
#else
    unsigned mask = 0;
    for (int lane = 0; lane < LANES; lane++)
        mask |= (unsigned)(v[lane] > V_TH) << lane;
    return mask;
#endif
}

static inline vec choose(unsigned mask, vec yes, vec no)
{
#if defined(__AVX512F__) && LANES == 8
    return (vec)_mm512_mask_blend_pd((__mmask8)mask, (__m512d)no, (__m512d)yes);
#else
    lanes all;
    for (int lane = 0; lane < LANES; lane++)
        all[lane] = -(int64_t)(mask >> lane & 1);
    return (vec)(((lanes)yes & all) | ((lanes)no & ~all));
#endif
}

/* A vector of replicas with all that it needs between two spikes. */
typedef struct {
    vec v[CELLS], u[CELLS], current, decay;
    vec drive; /* of the driven cells */
#ifdef __FAST_MATH__
    vec keep_u, u_from_v;
#else
    vec a, b;
#endif
} State;

/* One Euler step of a vector of replicas, without spikes. */
static inline void advance(State *s)
{
#ifdef __FAST_MATH__
    /* current and drive hold dt/tau_m times the current */
    const double rate = DT / TAU_M, square = rate * C1, line = 1 + rate * C2;
    const vec drive[CELLS] = {s->drive, s->drive, rate * C3 + s->current};
#pragma GCC unroll 3
    for (int cell = 0; cell < CELLS; cell++) {
        const vec v = s->v[cell], u = s->u[cell];
        s->v[cell] = v * (square * v + line) + (drive[cell] - rate * u);
        s->u[cell] = s->keep_u * u + s->u_from_v * v;
    }
    s->current = s->decay * s->current;
#else
    const double rate = DT / TAU_M;
#pragma GCC unroll 3
    for (int cell = 0; cell < CELLS; cell++) {
        const vec v = s->v[cell], u = s->u[cell];
        const vec polynomial = C1 * (v * v) + C2 * v;
        const vec sum = cell < 2 ? polynomial + s->drive : C3 + (polynomial + s->current);
        s->v[cell] = rate * (sum - u) + v;
        s->u[cell] = s->a * (s->b * v - u) + u;
    }
    s->current = s->current - s->current * s->decay; /* the bits of (-I)*decay + I */
#endif
}

static void make_room(Share *share)
{
    share->room = share->room ? 2 * share->room : 1 << 16;
    share->spikes = realloc(share->spikes, share->room * sizeof(Spike));
    if (!share->spikes)
        exit(3);
}

/* Keeps the spikes of a vector: lane by lane for cell 0, then 1, then 2. */
static inline void record(Share *share, unsigned mask, size_t point, int step)
{
    Spike *next = share->spikes + share->n_spikes;
    for (; mask; mask &= mask - 1) {
        const unsigned bit = (unsigned)__builtin_ctz(mask), cell = bit / LANES, lane = bit % LANES;
        *next++ = (Spike){(int32_t)(CELLS * (point + lane) + cell), step};
    }
    share->n_spikes = (size_t)(next - share->spikes);
}

/* Tsodyks-Markram synapses of the lanes where a driven cell spikes: gives the current with what
 * they release. Both synapses of a lane mostly look back on the same time, then they share exp. */
static inline vec release(Synapses *s, const double *U_0, unsigned m0, unsigned m1, int step,
                          vec current)
{
    const double t = step * DT, rate_f = 1 / TAU_F, rate_d = 1 / TAU_D;
    for (unsigned mask = m0 | m1; mask; mask &= mask - 1) {
        const int lane = __builtin_ctz(mask);
        const unsigned bit = mask & -mask;
        double past = 1, kept_u = 0, kept_x = 0;
        for (int k = 0; k < 2; k++) {
            if (!((k ? m1 : m0) & bit))
                continue;
            if (past != -(t - s[k].last[lane])) {
                past = -(t - s[k].last[lane]);
                kept_u = exp(past * rate_f);
                kept_x = exp(past * rate_d);
            }
            double u = s[k].u[lane] * kept_u;
            double x = (1 + s[k].x[lane] * kept_x) - kept_x;
            u += U_0[lane] * (1 - u);
            const double r = u * x;
            s[k].u[lane] = u;
            s[k].x[lane] = x - r;
            s[k].last[lane] = t;
#ifdef __FAST_MATH__
            current = choose(bit, current + DT / TAU_M * WEIGHT * r, current);
#else
            current = choose(bit, current + WEIGHT * r, current);
#endif
        }
    }
    return current;
}

static vec load(const double *values, size_t from, size_t end)
{
    vec result;
    for (size_t lane = 0; lane < LANES; lane++) /* the last point fills a last vector up */
        result[lane] = values[from + lane < end ? from + lane : end - 1];
    return result;
}

static void run_block(Share *share, size_t first)
{
    const double *values = share->values;
    const size_t n = share->points;
    State state[BLOCK];
    vec c[BLOCK], d[BLOCK], U_0[BLOCK], amplitude[BLOCK];
    Synapses synapses[BLOCK][2];
    unsigned real[BLOCK]; /* lanes, cell by cell, that are points and no filling */
    const vec zero = {0};

#pragma GCC unroll 8
    for (int g = 0; g < BLOCK; g++) {
        const size_t from = first + (size_t)g * LANES;
        State *s = &state[g];
        const size_t left = from < n ? n - from : 0;
        real[g] = (left >= LANES ? (1u << LANES) - 1 : (1u << left) - 1) * EACH_CELL;
        const vec a = load(values, from, n) * DT;
        const vec b = load(values + n, from, n);
        c[g] = load(values + 2 * n, from, n);
        d[g] = load(values + 3 * n, from, n);
        U_0[g] = load(values + 4 * n, from, n);
        amplitude[g] = load(values + 5 * n, from, n);
    #pragma GCC unroll 3
    for (int cell = 0; cell < CELLS; cell++) {
            s->v[cell] = zero + V_START;
            s->u[cell] = b * V_START;
        }
        s->current = zero;
#ifdef __FAST_MATH__
        s->drive = zero + DT / TAU_M * C3;
        s->decay = zero + (1 - DT / TAU_S);
        s->keep_u = 1 - a;
        s->u_from_v = a * b;
#else
        s->drive = zero + C3;
        s->decay = zero + DT / TAU_S;
        s->a = a;
        s->b = b;
#endif
        for (int k = 0; k < 2; k++)
            for (int lane = 0; lane < LANES; lane++) {
                synapses[g][k].u[lane] = synapses[g][k].last[lane] = 0;
                synapses[g][k].x[lane] = 1;
            }
    }
    for (int phase = 0; phase < 2; phase++) {
        const int end = phase ? STEPS : ONSET;
        for (int step = phase ? ONSET : 0; step < end; step++)
#pragma GCC unroll 8
            for (int g = 0; g < BLOCK; g++) {
                State *s = &state[g];
                unsigned mask[CELLS];
                advance(s);
            #pragma GCC unroll 3
    for (int cell = 0; cell < CELLS; cell++)
                    mask[cell] = above_threshold(s->v[cell]);
                if (__builtin_expect(mask[0] | mask[1] | mask[2], 0)) {
                    if (share->n_spikes + CELLS * LANES > share->room)
                        make_room(share);
                    const unsigned all = mask[0] | mask[1] << LANES | mask[2] << 2 * LANES;
                    record(share, all & real[g], first + (size_t)g * LANES, step);
#pragma GCC unroll 3
                    for (int cell = 0; cell < CELLS; cell++) {
                        s->v[cell] = choose(mask[cell], c[g], s->v[cell]);
                        s->u[cell] = choose(mask[cell], s->u[cell] + d[g], s->u[cell]);
                    }
                    if (mask[0] | mask[1])
                        s->current = release(synapses[g], (const double *)&U_0[g], mask[0],
                                             mask[1], step, s->current);
                }
            }
        if (!phase)
#pragma GCC unroll 8
            for (int g = 0; g < BLOCK; g++)
#ifdef __FAST_MATH__
                state[g].drive = DT / TAU_M * (C3 + amplitude[g]);
#else
                state[g].drive = C3 + amplitude[g];
#endif
    }
}

static void *run(void *data)
{
    Share *share = data;
    size_t first;
    while ((first = __atomic_fetch_add(share->next, BLOCK * LANES, __ATOMIC_RELAXED)) <
           share->points)
        run_block(share, first);
    return NULL;
}

static double *read_points(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    *n = (size_t)ftell(file) / sizeof(double) / PARAMETERS;
    rewind(file);
    double *values = malloc(*n * PARAMETERS * sizeof(double));
    if (values && fread(values, sizeof(double), *n * PARAMETERS, file) != *n * PARAMETERS)
        values = NULL;
    fclose(file);
    return values;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    size_t n = 0, next = 0, n_spikes = 0;
    const int threads = argc > 2 ? atoi(argv[2]) : 0;
    double *values = argc > 2 ? read_points(argv[1], &n) : NULL;
    if (!values || threads < 1 || threads > MOST_THREADS) {
        fprintf(stderr, "usage: limit POINTS_FILE THREADS [SPIKES_FILE]\n");
        return 2;
    }
    Share shares[MOST_THREADS];
    pthread_t handles[MOST_THREADS];
    const double start = now();
    for (int k = 0; k < threads; k++) {
        shares[k] = (Share){.values = values, .points = n, .next = &next};
        if (k && pthread_create(&handles[k], NULL, run, &shares[k]))
            return 3;
    }
    run(&shares[0]);
    for (int k = 1; k < threads; k++)
        pthread_join(handles[k], NULL);
    const double seconds = now() - start;
    for (int k = 0; k < threads; k++)
        n_spikes += shares[k].n_spikes;
    if (argc > 3) {
        FILE *file = fopen(argv[3], "wb");
        for (int k = 0; file && k < threads; k++)
            if (fwrite(shares[k].spikes, sizeof(Spike), shares[k].n_spikes, file) !=
                shares[k].n_spikes)
                return 4;
        if (!file || fclose(file))
            return 4;
    }
    printf("%.9f %zu\n", seconds, n_spikes);
    return 0;
}
