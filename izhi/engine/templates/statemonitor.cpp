{% extends 'folded.cpp' %}
{% block body %}
    {{scalar_code|autoindent}}
    for (int _idx = 0; _idx < {{owner.source.name}}::cells; _idx++)
    {
        {{vector_code|autoindent}}
        {% for name, _ in _recorded_variables | dictsort %}
        {{owner.source.name}}::samples_{{name}}.push_back(_to_record_{{name}});
        {% endfor %}
    }
{% endblock %}
