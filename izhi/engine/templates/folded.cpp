{# Every code object becomes one inline function in a namespace of its own; program.cpp holds them
   all, so that the compiler sees a whole time step at once. #}
{% macro cpp_file() %}
namespace {{codeobj_name}}
{
{{support_code_lines|autoindent}}
{{hashdefine_lines|autoindent}}

{% if stored %}
{# What is the same until the stimulus changes. #}
{% for name, type in stored.items() %}
alignas(64) {{type}} stored{{name}}[%ELEMENTS%];
{% endfor %}
inline void before()
{
    %CONSTANTS%
    {{pointers_lines|autoindent}}
    {{before_once|autoindent}}
    for (int _idx = 0; _idx < %ELEMENTS%; _idx++)
    {
        {{before_each|autoindent}}
        {% for name in stored %}
        stored{{name}}[_idx] = {{name}};
        {% endfor %}
    }
}
{% endif %}

inline void run({% block arguments %}{% endblock %})
{
    %CONSTANTS%
    {{pointers_lines|autoindent}}
    {% block body %}
    {% endblock %}
}
}
{% endmacro %}
