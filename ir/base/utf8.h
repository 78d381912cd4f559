/* Names of models in what people and programs read: any bytes may come in, characters go out. */
#ifndef NBQ_BASE_UTF8_H
#define NBQ_BASE_UTF8_H

#include "base/bytes.h"

/* utf8.c */
/* Bytes of the character that text starts with; 0: it is not UTF-8, or text is at its end. */
int utf8_bytes(const char *text);
int utf8_count(const char *s); /* characters; every byte that belongs to none counts as one */
/* With '?' for control characters and for what is not UTF-8. */
const char *utf8_printable(struct arena *a, const char *s);
/* As a JSON string, quotes included; what is not UTF-8 becomes U+FFFD. */
void write_json_string(struct writer *to, const char *s);

#endif
