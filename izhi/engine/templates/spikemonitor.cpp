{% extends 'folded.cpp' %}
{% block body %}
    {% set _events = get_array_name(eventspace_variable) %}
    const int32_t _count = {{_events}}[_num{{eventspace_variable.name}} - 1];
    for (int32_t _event = 0; _event < _count; _event++)
        recording.add({{eventspace_variable.owner.name}}::train({{_events}}[_event]));
{% endblock %}
