/* Contents of the regions wgt and par: weight codes in the blocks that conv walks through,
 * channel parameters as v.req, v.scale and v.prelu read them (isa/svpe.def, docs/isa.md).
 *
 * A block holds E × V codes, element-major. What a lane stands for depends on the form: a
 * channel of the input block (dense, fully connected), a tap of the channel's own kernel row
 * (depthwise), a tap and a channel (stem). Lanes and elements past the end hold zero codes. */
#include "backend/internal.h"

#include <assert.h>
#include <string.h>

struct weights {
    const struct be_layer *layer;
    const int16_t *values[2]; /* per term, [O][C/group][kh][kw] */
    int lanes, elements;
    int outs, ins, in_group, out_group; /* channels: all, per group */
};

static struct weights weights_of(const struct be_lower *lo, const struct be_layer *l) {
    const struct be_shape *s = l->shape;
    struct weights w = {.layer = l,
                        .lanes = (int)lo->plan->target->lanes,
                        .elements = (int)lo->plan->target->elements};
    w.values[0] = ir_in(l->node, 1)->data;
    w.values[1] = s->terms == 2 ? ir_in(l->node, 6)->data : NULL;
    w.outs = s->y->channels;
    w.ins = s->x->channels;
    w.in_group = w.ins / s->group;
    w.out_group = w.outs / s->group;
    return w;
}

/* Channels are those of the whole tensors; kx past the kernel and channels of other groups have
 * weight zero. */
static int16_t weight_at(const struct weights *w, int term, int out, int in, int ky, int kx) {
    const struct be_shape *s = w->layer->shape;
    if (out >= w->outs || in >= w->ins || kx >= s->kw) return 0;
    if (in / w->in_group != out / w->out_group) return 0;
    int64_t at = (((int64_t)out * w->in_group + in % w->in_group) * s->kh + ky) * s->kw + kx;
    assert(w->values[term]); /* the second term of a layer that has two */
    return w->values[term][at];
}

/* One lane of one element of the forms that gather taps; column: a group of taps. */
static int16_t tap_lane(const struct weights *w, int term, int out, int v, int ky, int column) {
    const struct be_shape *s = w->layer->shape;
    if (s->form == SVPE_FORM_DEPTHWISE)
        return v < s->taps ? weight_at(w, term, out, out, ky, column * s->taps + v) : 0;
    int px = s->x->px;
    return weight_at(w, term, out, v & ((1 << px) - 1), ky, column * s->taps + (v >> px));
}

/* All lanes of one element where they are the channels of an input block: those of the element's
 * own group, every kh·kw-th weight from the first on. */
static void channel_lanes(const struct weights *w, int term, int out, int ky, int kx, int block,
                          int16_t *codes) {
    const struct be_shape *s = w->layer->shape;
    memset(codes, 0, (size_t)w->lanes * sizeof *codes);
    if (out >= w->outs || kx >= s->kw) return;
    int group = out / w->out_group * w->in_group, first = block * w->lanes;
    int in = group > first ? group : first, end = group + w->in_group;
    if (end > first + w->lanes) end = first + w->lanes;
    int64_t at = (((int64_t)out * w->in_group + in - group) * s->kh + ky) * s->kw + kx;
    assert(w->values[term]);
    for (; in < end; in++, at += s->kh * s->kw) codes[in - first] = w->values[term][at];
}

static void pack_block(struct be_lower *lo, const struct weights *w, int term, int ob, int ky,
                       int column, int ib) {
    enum svpe_form form = w->layer->shape->form;
    bool taps = form == SVPE_FORM_DEPTHWISE || form == SVPE_FORM_STEM;
    int16_t *codes = lo->block;
    for (int e = 0; e < w->elements; e++, codes += w->lanes) {
        int out = ob * w->elements + e;
        if (!taps) channel_lanes(w, term, out, ky, column, ib, codes);
        for (int v = 0; v < w->lanes && taps; v++) codes[v] = tap_lane(w, term, out, v, ky, column);
    }
    svpe_pack(w->layer->shape->wfmt, lo->block, (size_t)w->elements * (size_t)w->lanes,
              &lo->weights);
}

static void pack_term(struct be_lower *lo, const struct weights *w, int term, int ob,
                      const struct be_block_range *r) {
    const struct be_shape *s = w->layer->shape;
    bool one = s->form == SVPE_FORM_DEPTHWISE || s->form == SVPE_FORM_STEM;
    int first = one ? 0 : r->in, count = one ? 1 : r->ins;
    if (s->diagonal) first = ob * w->elements / w->lanes, count = 1;
    for (int ky = 0; ky < s->kh; ky++)
        for (int column = 0; column * s->taps < s->kw; column++)
            for (int ib = first; ib < first + count; ib++)
                pack_block(lo, w, term, ob, ky, column, ib);
}

struct be_piece be_pack_weights(struct be_lower *lo, const struct be_layer *l, int64_t key,
                                const struct be_block_range *r) {
    struct be_piece *piece = &lo->weight_pieces[key];
    if (piece->dwords) return *piece;
    struct weights w = weights_of(lo, l);
    piece->at = lo->weights.size;
    for (int ob = r->out; ob < r->out + r->outs; ob++) {
        if (r->terms != BE_TERM_SECOND) pack_term(lo, &w, 0, ob, r);
        if (r->terms == BE_TERM_SECOND || (r->terms == BE_TERMS_ALL && w.values[1]))
            pack_term(lo, &w, 1, ob, r);
    }
    piece->dwords = (int64_t)((lo->weights.size - piece->at) / 8);
    return *piece;
}

/* ---- Parameters ------------------------------------------------------------------------------ */

static void channel(struct writer *w, int32_t bias, int16_t mult, int32_t shift) {
    write_u32(w, (uint32_t)bias);
    write_u16(w, (uint16_t)mult);
    write_u8(w, (uint8_t)shift);
    write_u8(w, 0);
}

/* Which inputs the parameters are; 0: none, its numbers are 0. */
static const struct {
    enum ir_op op;
    int mult, bias, shift;
} places[] = {
    {IR_OP_qconv, 0, 3, 4},
    {IR_OP_qscale, 1, 2, 3},
    {IR_OP_qprelu, 1, 0, 2},
};

/* Channels past the last one get zeros: with weights of zero that makes the encoded zero. */
static void channels(struct be_lower *lo, const struct be_layer *l) {
    size_t k = 0;
    while (places[k].op != l->node->op) k++;
    const int16_t *mult = places[k].mult ? ir_in(l->node, places[k].mult)->data : NULL;
    const int32_t *bias = places[k].bias ? ir_in(l->node, places[k].bias)->data : NULL;
    const int32_t *shift = ir_in(l->node, places[k].shift)->data;
    int count = l->shape->y->channels, all = l->shape->out_blocks * (int)lo->plan->target->lanes;
    for (int o = 0; o < all; o++) {
        if (o < count)
            channel(&lo->params, bias ? bias[o] : 0, mult ? mult[o] : 0, shift[o]);
        else
            channel(&lo->params, 0, 0, 0);
    }
}

struct be_piece be_pack_params(struct be_lower *lo, const struct be_layer *l) {
    struct be_piece *piece = &lo->param_piece;
    const struct be_shape *s = l->shape;
    if (piece->dwords) return *piece;
    piece->at = lo->params.size;
    if (s->channel_params) channels(lo, l);
    for (int i = 0; s->table_dwords && i < s->table_dwords * 4; i++)
        write_u16(&lo->params, i < s->table_count ? (uint16_t)s->table[i] : 0);
    piece->dwords = (int64_t)((lo->params.size - piece->at) / 8);
    return *piece;
}
