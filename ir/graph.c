extern int ir_graph_placeholder; int ir_graph_placeholder;
