{# USES_VARIABLES { delay } #}
{# Hands spikes on to the synapses: into the queue of those that have delays. Without delays they
   are where the synapses look for them. #}
{% extends 'folded.cpp' %}
{% block arguments %}const int32_t _from, const int32_t _to{% endblock %}
{% block body %}
    {% if not variables['delay'].scalar %}
    {% set _events = get_array_name(eventspace_variable) %}
    using namespace {{owner.name}};
    for (int32_t _event = _from; _event < _to; _event++)
        for_synapses_of({{_events}}[_event], [](const int32_t synapse) {
            queue.push(step + delay_steps[synapse], synapse);
        });
    {% endif %}
{% endblock %}
