{% extends 'folded.cpp' %}
{% block body %}
    {{scalar_code|autoindent}}
    {{pathway.name}}::for_arriving([&](const int32_t _idx) {
        {{vector_code|autoindent}}
    });
{% endblock %}
