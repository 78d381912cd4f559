extern int isa_tables_placeholder; int isa_tables_placeholder;
