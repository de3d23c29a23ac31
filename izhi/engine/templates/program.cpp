{# The whole program: a shard comes in on stdin, its points run block by block, each block through
   all steps while its state stays in the first-level cache, and the spikes go out on stdout, train
   after train. izhi/engine/compiled.py is the other end of both. #}
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>
#include "brianlib/common_math.h"
#include "stdint_compat.h"

namespace {

const int replicas = {{replicas}};     // of the circuit, in a block
const int circuit_cells = {{circuit_cells}};  // in a circuit
const int chunk = {{chunk}};           // cells that are updated and asked for spikes at a time
int64_t step;

// the first of eight bytes that is not zero, in the order of memory
inline int first_byte(const uint64_t bytes)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_ctzll(bytes) / 8;
#else
#error "izhi's engine is written for little-endian processors"
#endif
}

// the spikes of a block, in order of time
struct Recording
{
    struct Spike { int32_t train, step; };
    std::vector<Spike> spikes;
    inline void add(const int32_t train) { spikes.push_back({train, (int32_t)step}); }
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
alignas(64) {{array.type}} {{array.name}}[{{array.size}}];
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
const int sources = {{path.sources}}, synapses = {{path.synapses}};  // of one replica
const int32_t first_of[] = { {{path.first_of|join(', ')}} };
template <class Function>
inline void for_synapses_of(const int32_t cell, const Function &function)
{
    const int32_t replica = cell / sources, source = cell % sources;
    for (int32_t k = first_of[source]; k < first_of[source + 1]; k++)
        function(replica * synapses + k);
}
{% if path.delay %}
Queue queue;
int32_t delay_steps[replicas * synapses];
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

////// What Brian2 generated //////
{% for code in code_objects %}
{{code}}
{% endfor %}
/////////////////////////////////

// What comes in: steps, points, whether the stimulus changes at each step, then the variables.
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

// A variable's values: one for all points, one for each, or one for each of its elements.
template <class T> struct Given
{
    const T *values;
    int64_t n;
    bool take()
    {
        const int64_t *size = input.take<int64_t>(1);
        values = size ? input.take<T>(n = *size) : nullptr;
        return values && n > 0;
    }
    void lay_out(T *array, const int each, const int64_t points, const int64_t from) const
    {
        for (int r = 0; r < replicas; r++)
        {
            const int64_t point = std::min(from + r, points - 1);  // the last one fills the block
            for (int k = 0; k < each; k++)
                array[r * each + k] = values[n == 1 ? 0 : n == points ? point : point * each + k];
        }
    }
};

struct Output
{
    std::vector<int32_t> count, steps;
    std::vector<unsigned char> finite;
    {% for variable in traced %}
    std::vector<double> trace_{{variable}};
    {% endfor %}

    void add(const int points)
    {
        const size_t trains = (size_t)points * circuit_cells, before = steps.size();
        std::vector<int32_t> next(trains + 1, 0);
        for (const auto &spike : recording.spikes)
            if ((size_t)spike.train < trains)
                next[spike.train + 1]++;
        count.insert(count.end(), next.begin() + 1, next.end());
        for (size_t k = 1; k <= trains; k++)
            next[k] += next[k - 1];
        steps.resize(before + next[trains]);
        for (const auto &spike : recording.spikes)
            if ((size_t)spike.train < trains)
                steps[before + next[spike.train]++] = spike.step;
        recording.spikes.clear();
        for (int r = 0; r < points; r++)
        {
            bool all = true;
            {% for group in groups %}
            for (int i = r * {{group.count}}; i < (r + 1) * {{group.count}}; i++)
                all = all{% for name in group.state %} && std::isfinite({{name}}[i]){% endfor %};
            {% endfor %}
            finite.push_back(all);
        }
        {% if traced %}
        for (int r = 0; r < points; r++)
        {
            {% for group in groups %}
            for (int i = r * {{group.count}}; i < (r + 1) * {{group.count}}; i++)
            {
                {% for variable in group.traced %}
                for (size_t k = i; k < {{group.name}}::samples_{{variable}}.size(); k += {{group.cells}})
                    trace_{{variable}}.push_back({{group.name}}::samples_{{variable}}[k]);
                {% endfor %}
            }
            {% endfor %}
        }
        {% for group in groups %}
        {% for variable in group.traced %}
        {{group.name}}::samples_{{variable}}.clear();
        {% endfor %}
        {% endfor %}
        {% endif %}
    }
    template <class T> static bool put(std::FILE *file, const std::vector<T> &values)
    {
        const char zeros[8] = {};
        const size_t size = values.size() * sizeof(T), rest = (8 - size % 8) % 8;
        return std::fwrite(values.data(), 1, size, file) == size
            && std::fwrite(zeros, 1, rest, file) == rest;
    }
    bool write(std::FILE *file) const
    {
        const std::vector<int64_t> sizes = { (int64_t)finite.size(), (int64_t)steps.size() };
        bool whole = put(file, sizes) && put(file, count) && put(file, finite) && put(file, steps);
        {% for variable in traced %}
        whole = whole && put(file, trace_{{variable}});
        {% endfor %}
        return whole && std::fflush(file) == 0;
    }
} output;

// Not inlined: what main holds runs once, and is optimised for size.
__attribute__((noinline, hot)) void simulate(const int64_t steps, const unsigned char *changes)
{
    for (step = 0; step < steps; step++)
    {
        {{timestep}}[0] = step;
        {{t}}[0] = step * {{dt}}[0];
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
    bool whole = changes;
    {% for given in inputs %}
    Given<{{given.type}}> given_{{loop.index}};
    whole = whole && given_{{loop.index}}.take();
    {% endfor %}
    if (!whole || input.at != input.bytes.size())
        return std::fputs("the input is not whole\n", stderr), 2;
    const int64_t steps = sizes[0], points = sizes[1];
    for (int64_t from = 0; from < points; from += replicas)
    {
        {% for array in arrays %}
        std::memset({{array.name}}, 0, sizeof {{array.name}});
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
        {% for given in inputs %}
        given_{{loop.index}}.lay_out({{given.name}}, {{given.each}}, points, from);
        {% endfor %}
        {% for path in pathways if path.delay %}
        for (int k = 0; k < replicas * {{path.name}}::synapses; k++)
            {{path.name}}::delay_steps[k] = (int)({{path.delay}}[k] / {{dt}}[0] + 0.5);
        {{path.name}}::queue.prepare({{path.name}}::delay_steps, replicas * {{path.name}}::synapses);
        {% endfor %}
        simulate(steps, changes);
        output.add((int)std::min<int64_t>(replicas, points - from));
    }
    return output.write(stdout) ? 0 : (std::perror("cannot write the output"), 3);
}
