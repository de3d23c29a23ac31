{% extends 'folded.cpp' %}
{% block body %}
    {% set _events = get_array_name(eventspace_variable) %}
    {{scalar_code|autoindent}}
    const int32_t _count = {{_events}}[_num{{eventspace_variable.name}} - 1];
    for (int32_t _event = 0; _event < _count; _event++)
    {
        const int32_t _idx = {{_events}}[_event];
        {{vector_code|autoindent}}
    }
{% endblock %}
