{# Every code object becomes one inline function in a namespace of its own; program.cpp holds them
   all, so that the compiler sees a whole time step at once. #}
{% macro cpp_file() %}
namespace {{codeobj_name}}
{
{{support_code_lines|autoindent}}
{{hashdefine_lines|autoindent}}

inline void run({% block arguments %}{% endblock %})
{
    %CONSTANTS%
    {{pointers_lines|autoindent}}
    {% block body %}
    {% endblock %}
}
}
{% endmacro %}
