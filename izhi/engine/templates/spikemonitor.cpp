{% extends 'folded.cpp' %}
{% block arguments %}const int32_t _from, const int32_t _to{% endblock %}
{% block body %}
    {% set _events = get_array_name(eventspace_variable) %}
    {{scalar_code|autoindent}}
    for (int32_t _event = _from; _event < _to; _event++)
    {
        const int32_t _idx = {{_events}}[_event];
        {# the time since the crossing, where spikes lie inside the step #}
        {% for name in record_variables if name not in ('i', 't') %}
        {{vector_code|autoindent}}
        recording.add({{eventspace_variable.owner.name}}::train(_idx), _to_record_{{name}});
        {% else %}
        recording.add({{eventspace_variable.owner.name}}::train(_idx));
        {% endfor %}
    }
{% endblock %}
