{# ALLOWS_SCALAR_WRITE #}
{% extends 'folded.cpp' %}
{% block arguments %}const int _begin, const int _end{% endblock %}
{% block body %}
    {{scalar_code|autoindent}}
    for (int _idx = _begin; _idx < _end; _idx++)
    {
        {{vector_code|autoindent}}
    }
{% endblock %}
