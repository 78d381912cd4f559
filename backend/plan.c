extern int backend_plan_placeholder; int backend_plan_placeholder;
