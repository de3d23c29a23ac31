{# A spike is rare: whether there is any in a chunk of cells is a comparison that vectorises. Where
   there is one, the comparison is made again with a byte for each cell, and the bytes are searched
   eight at a time. #}
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
    for (int _byte = 0; _byte < chunk; _byte += 8)
    {
        uint64_t _word;
        std::memcpy(&_word, _spiking + _byte, 8);
        for (; _word; _word &= _word - 1)
            {{_events}}[_count++] = _begin + _byte + first_byte(_word);
    }
    {{_events}}[_num{{eventspace_variable.name}} - 1] = _count;
{% endblock %}
