/* Lists of words. */
#ifndef SIGTOOL_WORDS_H
#define SIGTOOL_WORDS_H

/* Returns the index of `word` in `words`, a list that spaces separate. Returns -1 if the list does
 * not contain the word. */
int word_index(const char *word, const char *words);

#endif
