{# The whole program: a shard comes in on stdin, its points run block by block, each block through
   all steps while its state stays in the first-level cache, and the spikes go out on stdout, train
   after train. The points run in a given order and go out in the order in which they came. izhi/engine/compiled.py is the other end of both. #}
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <vector>
#include "brianlib/common_math.h"
#include "stdint_compat.h"

namespace {

const int replicas = {{replicas}};     // of the circuit, in a block
const int circuit_cells = {{circuit_cells}};  // in a circuit
const int chunk = {{chunk}};           // cells that are updated and asked for spikes at a time
int64_t step;

// a bit for each of the 64 bytes, which are 0 or 1
inline uint64_t bits_of(const unsigned char *bytes)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "izhi's engine is written for little-endian processors"
#endif
    uint64_t bits = 0;
    for (int byte = 0; byte < 64; byte += 8)
    {
        uint64_t eight;
        std::memcpy(&eight, bytes + byte, 8);
        bits |= (eight * 0x0102040810204080 >> 56) << byte;  // the product's top byte has them all
    }
    return bits;
}

// Functions and operators of equations: izhi/portable.py. None of the C library's comes in.
{{functions}}
#define _product(x, n) portable_product<int(n)>(x)
#define _power(x, y) portable_power(x, y)
#define _sqrt(x) portable_sqrt(x)
#define _remainder(x, y) portable_remainder(x, y)
inline double _double(const bool condition) { return condition; }
inline double _where(const bool condition, const double one, const double other)
{
    return condition ? one : other;
}

// the spikes of a block, in order of time
struct Recording
{
    struct Spike { int32_t train; {{spike_time}} time; };  // in time steps
    std::vector<Spike> spikes;
    inline void add(const int32_t train) { spikes.push_back({train, ({{spike_time}})step}); }
    {% if spike_time == 'double' %}
    inline void add(const int32_t train, const double since_crossing)
    {
        spikes.push_back({train, (double)(step + 1) - since_crossing / {{dt_value}}});
    }
    {% endif %}
} recording;

// synapses by the step at which a spike reaches them
struct Queue
{
    std::vector<std::vector<int32_t>> slots;
    void prepare(const int32_t *delay_steps, const int n)
    {
        const int longest = n ? *std::max_element(delay_steps, delay_steps + n) : 0;
        slots.resize(std::max<size_t>(longest + 1, slots.size()));
        for (auto &slot : slots)
            slot.clear();
    }
    inline std::vector<int32_t> &at(const int64_t when) { return slots[when % slots.size()]; }
    inline void push(const int64_t when, const int32_t synapse) { at(when).push_back(synapse); }
};

double {{dt}}[1] = { {{dt_value}} };

// Arrays of Brian2's variables, for one block.
{% for array in arrays %}
{% if not array.told %}
alignas(64) {{array.type}} {{array.name}}[{{array.size}}];
{% endif %}
{% endfor %}

{% for group in groups %}
namespace {{group.name}}
{
const int cells = {{group.cells}}, count = {{group.count}}, first = {{group.first}};
inline int32_t train(const int32_t cell)
{
    return cell / count * circuit_cells + first + cell % count;
}
{% for variable in group.traced %}
std::vector<double> samples_{{variable}};
{% endfor %}
}
{% endfor %}

{% for path in pathways %}
namespace {{path.name}}
{
{% if path.told %}
const int sources = {{path.sources}}, targets = {{path.targets}};  // of one replica
int synapses = 0;                                    // for which a replica has room
std::vector<int32_t> first_of;
template <class Function>
inline void for_synapses_of(const int32_t cell, const Function &function)
{
    const int32_t replica = cell / sources, own = replica * (sources + 1) + cell % sources;
    for (int32_t k = first_of[own]; k < first_of[own + 1]; k++)
        function(replica * synapses + k);
}
{% else %}
const int sources = {{path.sources}}, synapses = {{path.synapses}};  // of one replica
const int32_t first_of[] = { {{path.first_of|join(', ')}} };
template <class Function>
inline void for_synapses_of(const int32_t cell, const Function &function)
{
    const int32_t replica = cell / sources, source = cell % sources;
    for (int32_t k = first_of[source]; k < first_of[source + 1]; k++)
        function(replica * synapses + k);
}
{% endif %}
{% if path.delay %}
Queue queue;
std::vector<int32_t> delay_steps;
template <class Function>
inline void for_arriving(int32_t, int32_t, const Function &function)
{
    std::vector<int32_t> &arriving = queue.at(step);
    for (const int32_t synapse : arriving)
        function(synapse);
    arriving.clear();
}
{% else %}
template <class Function>
inline void for_arriving(const int32_t from, const int32_t to, const Function &function)
{
    for (int32_t event = from; event < to; event++)
        for_synapses_of({{path.events}}[event], function);
}
{% endif %}
}
{% endfor %}

// Those of synapses whose number comes with the points.
{% for array in arrays if array.told %}
{{array.type}} *{{array.name}};
{% endfor %}

////// What Brian2 generated //////
{% for code in code_objects %}
{{code}}
{% endfor %}
/////////////////////////////////

// What comes in: steps, points, whether the stimulus changes at each step, the order in which the
// points run, tables of a value for each step, then the variables.
struct Input
{
    std::vector<char> bytes;
    size_t at = 0;
    bool read(std::FILE *file)
    {
        size_t size = 0, got;
        do
        {
            bytes.resize(std::max<size_t>(2 * size, 1 << 20));
            got = std::fread(bytes.data() + size, 1, bytes.size() - size, file);
            size += got;
        } while (got);
        bytes.resize(size);
        return !std::ferror(file);
    }
    template <class T> const T *take(const int64_t n)
    {
        const size_t from = at, size = (n * sizeof(T) + 7) / 8 * 8;
        if (n < 0 || size > bytes.size() - from)
            return nullptr;
        at += size;
        return (const T *)(bytes.data() + from);
    }
} input;

// A variable's values, for all points or each (rows), for all of a point's elements or each
// (columns).
template <class T> struct Given
{
    const T *values;
    int64_t rows, columns;
    bool take(const int64_t points)
    {
        const int64_t *shape = input.take<int64_t>(2);
        if (!shape || (shape[0] != 1 && shape[0] != points) || shape[1] < 1)
            return false;
        rows = shape[0], columns = shape[1];
        values = input.take<T>(rows * columns);
        return values;
    }
    bool take(const int64_t points, const int64_t each)
    {
        return take(points) && (columns == 1 || columns == each);
    }
    const T *of(const int64_t point) const { return values + (rows == 1 ? 0 : point * columns); }
    void lay_out(T *array, const int each, const int64_t *order, const int64_t points,
                 const int64_t from) const
    {
        for (int r = 0; r < replicas; r++)
        {
            const int64_t point = order[std::min(from + r, points - 1)];  // the last fills the block
            const T *row = of(point);
            for (int k = 0; k < each; k++)
                array[r * each + k] = row[columns == 1 ? 0 : k];
        }
    }
};

struct Output
{
    std::vector<int32_t> count;
    std::vector<{{spike_time}}> times;  // as the points ran, all else in their own order
    std::vector<size_t> begins;         // of a point's times
    std::vector<unsigned char> sound;   // whether the state was finite and within bounds
    {% for variable in traced %}
    std::vector<double> trace_{{variable}};
    {% endfor %}

    void prepare(const size_t points)
    {
        count.resize(points * circuit_cells);
        begins.resize(points);
        sound.resize(points);
    }
    // the results of a block: of points order[0], order[1], ...
    void add(const int64_t *order, const int n)
    {
        const int trains = n * circuit_cells;
        std::vector<int32_t> next(replicas * circuit_cells + 1, 0);
        for (const auto &spike : recording.spikes)
            next[spike.train + 1]++;
        for (int r = 0; r < n; r++)
            std::copy_n(&next[r * circuit_cells + 1], circuit_cells, &count[order[r] * circuit_cells]);
        for (int k = 1; k <= trains; k++)
            next[k] += next[k - 1];
        const size_t before = times.size();
        for (int r = 0; r < n; r++)
            begins[order[r]] = before + next[r * circuit_cells];
        times.resize(before + next[trains]);
        for (const auto &spike : recording.spikes)
            if (spike.train < trains)
                times[before + next[spike.train]++] = spike.time;
        recording.spikes.clear();
        for (int r = 0; r < n; r++)
        {
            bool all = true;
            {% for group in groups %}
            for (int i = r * {{group.count}}; i < (r + 1) * {{group.count}}; i++)
                all = all{% for name in group.state %} && std::isfinite({{name}}[i]){% endfor %}{% if group.v %} && std::fabs({{group.v}}[i]) <= {{v_max}} && !{{group.escapes}}[i]{% endif %};
            {% endfor %}
            sound[order[r]] = all;
        }
        {% for group in groups %}
        {% for variable in group.traced %}
        {
            const std::vector<double> &samples = {{group.name}}::samples_{{variable}};
            const size_t n_samples = samples.size() / {{group.cells}};
            trace_{{variable}}.resize(count.size() * n_samples, std::nan(""));
            for (int i = 0; i < n * {{group.count}}; i++)
            {
                const int cell = {{group.first}} + i % {{group.count}};
                const size_t train = order[i / {{group.count}}] * circuit_cells + cell;
                for (size_t k = 0; k < n_samples; k++)
                    trace_{{variable}}[train * n_samples + k] = samples[k * {{group.cells}} + i];
            }
        }
        {{group.name}}::samples_{{variable}}.clear();
        {% endfor %}
        {% endfor %}
    }
    // without values there may be no address, which fwrite wants even of none
    template <class T> static bool put(std::FILE *file, const T *values, const size_t n)
    {
        return n == 0 || std::fwrite(values, sizeof(T), n, file) == n;
    }
    template <class T> static bool put(std::FILE *file, const std::vector<T> &values)
    {
        return put(file, values.data(), values.size()) && pad(file, values.size() * sizeof(T));
    }
    static bool pad(std::FILE *file, const size_t size)
    {
        const char zeros[8] = {};
        const size_t rest = (8 - size % 8) % 8;
        return std::fwrite(zeros, 1, rest, file) == rest;
    }
    bool write(std::FILE *file) const
    {
        const std::vector<int64_t> sizes = { (int64_t)sound.size(), (int64_t)times.size() };
        bool whole = put(file, sizes) && put(file, count) && put(file, sound);
        for (size_t point = 0; whole && point < begins.size(); point++)
        {
            const int32_t *counts = &count[point * circuit_cells];
            const size_t n = std::accumulate(counts, counts + circuit_cells, size_t(0));
            whole = put(file, times.data() + begins[point], n);
        }
        whole = whole && pad(file, times.size() * sizeof times[0]);
        {% for variable in traced %}
        whole = whole && put(file, trace_{{variable}});
        {% endfor %}
        return whole && std::fflush(file) == 0;
    }
} output;

// A value of a variable for each time step.
{% for name in tables %}
const double *table_{{loop.index}};
{% endfor %}

// Spikes of a file: where those of each step begin, and their cells.
{% for name, count in trains %}
const int64_t *train_first_{{loop.index}};
const int32_t *train_cells_{{loop.index}};
{% endfor %}
template <int count>
inline void fire(double *array, const int64_t *first, const int32_t *cells)
{
    for (int64_t k = step ? first[step - 1] : 0; k < first[step + 1]; k++)
        for (int r = 0; r < replicas; r++)
            array[r * count + cells[k]] = k >= first[step];
}

// Not inlined: what main holds runs once, and is optimised for size.
__attribute__((noinline, hot)) void simulate(const int64_t steps, const unsigned char *changes)
{
    for (step = 0; step < steps; step++)
    {
        {{timestep}}[0] = step;
        {{t}}[0] = step * {{dt}}[0];
        {% for name, count in trains %}
        fire<{{count}}>({{name}}, train_first_{{loop.index}}, train_cells_{{loop.index}});
        {% endfor %}
        {% for name in tables %}
        {{name}}[0] = table_{{loop.index}}[step];
        {% endfor %}
        {% for group in groups %}
        {{group.events}}[{{group.cells}}] = 0;
        {% endfor %}
        {% for line in schedule %}
        {{line|indent(8)}}
        {% endfor %}
    }
}

}

int main()
{
    if (!input.read(stdin))
        return std::fputs("cannot read the input\n", stderr), 2;
    const int64_t *sizes = input.take<int64_t>(2);
    const unsigned char *changes = sizes ? input.take<unsigned char>(sizes[0]) : nullptr;
    const int64_t *order = changes ? input.take<int64_t>(sizes[1]) : nullptr;
    bool whole = order;
    {% for name in tables %}
    whole = whole && (table_{{loop.index}} = input.take<double>(sizes[0]));
    {% endfor %}
    {% for name, count in trains %}
    whole = whole && (train_first_{{loop.index}} = input.take<int64_t>(sizes[0] + 1))
            && (train_cells_{{loop.index}} = input.take<int32_t>(train_first_{{loop.index}}[sizes[0]]));
    {% endfor %}
    {% for path in pathways if path.told %}
    Given<int32_t> first_of_{{loop.index}}, target_{{loop.index}};
    whole = whole && first_of_{{loop.index}}.take(sizes[1], {{path.name}}::sources + 1)
            && target_{{loop.index}}.take(sizes[1]);
    if (whole)
        {{path.name}}::synapses = (int)target_{{loop.index}}.columns;
    {{path.name}}::first_of.resize(replicas * ({{path.name}}::sources + 1));
    {% endfor %}
    {% for given in inputs %}
    Given<{{given.type}}> given_{{loop.index}};
    whole = whole && given_{{loop.index}}.take(sizes[1], {{given.each}});
    {% endfor %}
    if (!whole || input.at != input.bytes.size())
        return std::fputs("the input is not whole\n", stderr), 2;
    const int64_t steps = sizes[0], points = sizes[1];
    output.prepare(points);
    {% for array in arrays if array.told %}
    std::vector<{{array.type}}> room_{{loop.index}}({{array.size}});
    {{array.name}} = room_{{loop.index}}.data();
    {% endfor %}
    {% for path in pathways if path.delay %}
    {{path.name}}::delay_steps.resize(replicas * {{path.name}}::synapses);
    {% endfor %}
    for (int64_t from = 0; from < points; from += replicas)
    {
        {% for array in arrays %}
        std::memset({{array.name}}, 0, {{array.size}} * sizeof *{{array.name}});
        {% endfor %}
        {% for name, size, value in start %}
        std::fill_n({{name}}, {{size}}, {{value}});
        {% endfor %}
        {% for name, source, pattern in connections %}
        {
            const int32_t pattern[] = { {{pattern|join(', ')}} };
            for (int r = 0; r < replicas; r++)
                for (int k = 0; k < {{pattern|length}}; k++)
                    {{name}}[r * {{pattern|length}} + k] = r * {{source}} + pattern[k];
        }
        {% endfor %}
        {% for path in pathways if path.told %}
        for (int r = 0; r < replicas; r++)
        {
            using namespace {{path.name}};
            const int64_t point = order[std::min(from + r, points - 1)];
            const int32_t *first = first_of_{{loop.index}}.of(point);
            std::copy_n(first, sources + 1, first_of.begin() + r * (sources + 1));
            {% if path.ends[1] %}
            const int32_t *target = target_{{loop.index}}.of(point);
            for (int k = 0; k < synapses; k++)
                {{path.ends[1]}}[r * synapses + k] = r * targets + target[k];
            {% endif %}
            {% if path.ends[0] %}
            for (int source = 0; source < sources; source++)
                std::fill({{path.ends[0]}} + r * synapses + first[source],
                          {{path.ends[0]}} + r * synapses + first[source + 1], r * sources + source);
            {% endif %}
        }
        {% endfor %}
        {% for given in inputs %}
        given_{{loop.index}}.lay_out({{given.name}}, {{given.each}}, order, points, from);
        {% endfor %}
        {% for path in pathways if path.delay %}
        for (int k = 0; k < replicas * {{path.name}}::synapses; k++)
            {{path.name}}::delay_steps[k] = (int)({{path.delay}}[k] / {{dt}}[0] + 0.5);
        {{path.name}}::queue.prepare({{path.name}}::delay_steps.data(), replicas * {{path.name}}::synapses);
        {% endfor %}
        simulate(steps, changes);
        output.add(order + from, (int)std::min<int64_t>(replicas, points - from));
    }
    return output.write(stdout) ? 0 : (std::perror("cannot write the output"), 3);
}
