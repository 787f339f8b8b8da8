/* The products of the trust index, and the directories that they fill. */
#ifndef SIGTOOL_PRODUCTS_H
#define SIGTOOL_PRODUCTS_H
#include "index.h"

/* Adds a product of the head. Its records follow those of the products that were added before. Ends
 * the process if this host does not take the product. */
void add_product(const struct json *described);

/* Returns the product whose root is the closest directory above this path, or null. So a product
 * inside the tree of another product decides about the files below its root. */
const struct product *product_of(const char *path);

#endif
