#include "words.h"
#include <string.h>

int word_index(const char *word, const char *words)
{
	const size_t length = strlen(word);
	int index = 0;
	while (*words != '\0') {
		const size_t next = strcspn(words, " ");
		if (next == length && memcmp(words, word, length) == 0)
			return index;
		words += next;
		words += *words == ' ' ? 1 : 0;
		index++;
	}
	return -1;
}
