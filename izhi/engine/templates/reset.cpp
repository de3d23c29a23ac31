{% extends 'folded.cpp' %}
{% block arguments %}const int32_t _from, const int32_t _to{% endblock %}
{% block body %}
    {% set _events = get_array_name(eventspace_variable) %}
    {{scalar_code|autoindent}}
    for (int32_t _event = _from; _event < _to; _event++)
    {
        const int32_t _idx = {{_events}}[_event];
        {{vector_code|autoindent}}
    }
{% endblock %}
