{# A spike is rare: whether there is any in a chunk of cells is a comparison that vectorises. Where
   there is one, the comparison is made again with a byte for each cell, and the bytes become the
   bits of one word, which gives the cells without a branch for each. #}
{% extends 'folded.cpp' %}
{% block arguments %}const int _begin, const int _end{% endblock %}
{% block body %}
    {% set _events = get_array_name(eventspace_variable) %}
    {{scalar_code|autoindent}}
    long _any = 0;
    for (int _idx = _begin; _idx < _end; _idx++)
    {
        {{vector_code|autoindent}}
        _any |= _cond;
    }
    if (!_any)
        return;
    alignas(64) unsigned char _spiking[chunk] = {};
    for (int _idx = _begin; _idx < _end; _idx++)
    {
        {{vector_code|autoindent}}
        _spiking[_idx - _begin] = _cond;
    }
    int32_t _count = {{_events}}[_num{{eventspace_variable.name}} - 1];
    for (uint64_t _bits = bits_of(_spiking); _bits; _bits &= _bits - 1)
    {
        const int _idx = _begin + __builtin_ctzll(_bits);
        {{_events}}[_count++] = _idx;
        {% if _uses_refractory %}
        {{not_refractory}}[_idx] = false;
        {{lastspike}}[_idx] = {{t}};
        {% endif %}
    }
    {{_events}}[_num{{eventspace_variable.name}} - 1] = _count;
{% endblock %}
