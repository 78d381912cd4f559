/* Resize and Upsample of all versions as Resize of the newest, Split, PRelu: what the rows of
 * import.def cannot say. Source: ONNX Resize, Upsample, Split, PRelu, all versions. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

enum { ROI = 1, SCALES = 2, SIZES = 3 };

/* Whether no axis shrinks, as far as that is known here. */
static bool grows(const struct ir_value *scales) {
    if (!scales || !ir_is_const(scales) || scales->dtype != IR_F32) return false;
    const float *v = scales->data;
    for (int64_t i = 0; i < ir_elements(scales); i++)
        if (!(v[i] >= 1)) return false;
    return true;
}

/* Before version 11 scales were input 1, pixels stood at their corners, and which is the nearest
 * was not said; where nothing shrinks it is the one before for everybody. */
static void modernise(struct fe_node *n) {
    if (n->in_count < 2) return;
    n->in[SCALES] = n->in[1];
    n->in[ROI] = NULL;
    n->in_count = SCALES + 1;
    fe_node_set_string(n, "coordinate_transformation_mode", "asymmetric");
    fe_node_set_string(n, "nearest_mode", grows(n->in[SCALES]) ? "floor" : "simple");
}

/* Exporters of version 11, where scales had to be there, gave lists without numbers. */
void fe_hook_resize(struct fe_node *n) {
    if (n->s->opset < 11) modernise(n);
    for (int i = ROI; i <= SIZES && i < n->in_count; i++)
        if (n->in[i] && ir_is_const(n->in[i]) && ir_elements(n->in[i]) == 0) n->in[i] = NULL;
}

void fe_hook_upsample(struct fe_node *n) {
    const struct fe_node before = *n;
    modernise(n);
    if (before.in_count == 2) n->op = IR_OP_resize;
}

/* How many equal parts there are is the number of outputs the model gives the node, of which those
 * at the end may be gone already. */
void fe_hook_split(struct fe_node *n) {
    bool listed = n->in_count > 1 && n->in[1];
    if (!listed && !fe_attr(n, "num_outputs"))
        fe_node_set_int(n, "num_outputs", (int64_t)n->proto->n_output);
}

/* Before version 7 a slope of one dimension belongs to the channels. */
void fe_hook_prelu(struct fe_node *n) {
    if (n->s->opset >= 7 || n->in_count < 2 || !n->in[0] || !n->in[1]) return;
    int ones = n->in[0]->rank - 2;
    if (n->in[1]->rank == 1 && ones > 0 && ir_elements(n->in[1]) != 1)
        n->in[1] = fe_extended(n, n->in[1], ones);
}
