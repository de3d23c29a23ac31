{% extends 'folded.cpp' %}
{% block arguments %}const int32_t _from, const int32_t _to{% endblock %}
{% block body %}
    {{scalar_code|autoindent}}
    {{pathway.name}}::for_arriving(_from, _to, [&](const int32_t _idx) {
        {{vector_code|autoindent}}
    });
{% endblock %}
