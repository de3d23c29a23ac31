{% extends 'folded.cpp' %}
{% block arguments %}const int32_t _from, const int32_t _to{% endblock %}
{% block body %}
    {% set _events = get_array_name(eventspace_variable) %}
    for (int32_t _event = _from; _event < _to; _event++)
        recording.add({{eventspace_variable.owner.name}}::train({{_events}}[_event]));
{% endblock %}
